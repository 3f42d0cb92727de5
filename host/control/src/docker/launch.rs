//! Launching a server: a container on a volume, until the server listens.

use super::engine::Engine;
use super::{ready, short};
use crate::{ControlError, Instance};

/// A server that listens.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) instance: Instance,
    /// Its volume, where that was made for it.
    made: Option<String>,
}

/// Starts a server's container on its volume, or on a new one. What does not make it is gone on
/// return: the container, and a volume that was made for it.
pub(super) async fn launch(
    engine: &Engine,
    name: &str,
    volume: Option<String>,
) -> Result<Launched, ControlError> {
    let (volume, made) = match volume {
        Some(volume) => (volume, None),
        // The newest volume is the server's: one before it is put aside by that.
        None => {
            let volume = engine.create_volume(name).await?;
            (volume.clone(), Some(volume))
        }
    };
    match run(engine, name, &volume).await {
        Ok(instance) => Ok(Launched { instance, made }),
        Err(error) => {
            remove(engine, name, made).await;
            Err(error)
        }
    }
}

/// Ends what nobody wants any more.
pub(super) async fn take_back(engine: &Engine, Launched { instance, made }: Launched) {
    if let Err(error) = engine.remove_container(&instance.handle).await {
        tracing::warn!(server = instance.name, %error, "a server nobody wants could not be ended");
    }
    remove(engine, &instance.name, made).await;
}

async fn remove(engine: &Engine, name: &str, volume: Option<String>) {
    if let Some(volume) = volume
        && let Err(error) = engine.remove_volume(&volume).await
    {
        tracing::warn!(server = name, %error, "a server that did not start left its volume");
    }
}

async fn run(engine: &Engine, name: &str, volume: &str) -> Result<Instance, ControlError> {
    let id = engine.create_container(name, volume).await?;
    let started = listen(engine, name, &id).await;
    match &started {
        Ok(Instance { address, .. }) => {
            tracing::info!(server = name, container = short(&id), address, "server started");
        }
        Err(_) => engine.remove_container(&id).await?,
    }
    started
}

async fn listen(engine: &Engine, name: &str, id: &str) -> Result<Instance, ControlError> {
    engine.start_container(id).await?;
    let instance = engine.instance(name, id).await?;
    ready::listens(engine, &instance, engine.settings.start_timeout).await?;
    Ok(instance)
}
