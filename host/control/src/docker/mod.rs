//! Servers as containers of a Docker engine, each with a volume of its own.
//!
//! A container is cattle: it is removed when it ends and made anew when its server starts, from
//! the image there is then. The volume is the server. What belongs to us says so by its labels,
//! and nothing without them is ever touched.

mod containers;
mod engine;
mod events;
mod launch;
mod ready;
mod volumes;

pub use engine::EngineError;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::{OwnedMutexGuard, broadcast, oneshot};

use crate::turns::Turns;
use crate::{Control, ControlError, Instance, check_name};
use engine::Engine;
use events::Watch;

/// How long a container that ran before us may take until it listens: it may have been started a
/// moment ago, and it may hang.
const ADOPTION: Duration = Duration::from_secs(30);

/// How servers are run as containers.
#[derive(Clone, Debug)]
pub struct DockerSettings {
    /// Where the engine listens: `unix:///var/run/docker.sock`, `tcp://host:port`.
    pub engine: String,
    /// Names what belongs together: two deployments on one engine leave each other alone.
    pub deployment: String,
    /// The servers' image.
    pub image: String,
    /// The network they listen on, and nobody else does.
    pub network: String,
    /// Most memory of a server, in bytes.
    pub memory: Option<u64>,
    /// Most processors' time of a server.
    pub cpus: Option<f64>,
    /// Variables of their environment.
    pub environment: Vec<(String, String)>,
    /// A file with what the balancer and its servers know each other by; it is put into the
    /// container, so that nobody reads it who may only inspect that.
    pub secret_file: Option<PathBuf>,
    /// How long a server may take until it listens.
    pub start_timeout: Duration,
    /// How long a server may take to end, before it is ended by force.
    pub stop_timeout: Duration,
}

/// Control over servers that are containers. They live on when it is dropped.
pub struct DockerControl {
    engine: Engine,
    watch: Arc<Watch>,
    turns: Turns,
    /// The container of each server that was last started or taken over here.
    ours: Mutex<HashMap<String, String>>,
}

impl DockerControl {
    /// Control over the servers of a deployment, and the watch over those that run.
    ///
    /// # Errors
    /// Where the engine cannot be reached, or lacks the image or the network.
    pub async fn connect(settings: DockerSettings) -> Result<Self, EngineError> {
        let engine = Engine::connect(settings).await?;
        let watch = Watch::start(engine.clone());
        Ok(DockerControl { engine, watch, turns: Turns::default(), ours: Mutex::default() })
    }

    /// Takes over a server that runs; none where it does not, or cannot be reached any more.
    async fn running(&self, name: &str) -> Result<Option<Instance>, ControlError> {
        for container in self.engine.containers_of(name).await? {
            let Some(instance) = container.instance(&self.engine.settings.network) else {
                continue;
            };
            let limit = ADOPTION.min(self.engine.settings.start_timeout);
            if let Err(error) = ready::listens(&self.engine, &instance, limit).await {
                tracing::warn!(server = name, %error, "a container that runs is not taken over");
                continue;
            }
            return Ok(Some(instance));
        }
        Ok(None)
    }

    /// Minds a server that runs from now on.
    fn mind(&self, instance: &Instance) {
        self.ours.lock().insert(instance.name.clone(), instance.handle.clone());
        self.watch.mind(instance);
    }

    /// Whether a server runs in a container that we know nothing of: another balancer, in charge
    /// since, has made it.
    async fn is_anothers(&self, name: &str) -> Result<bool, ControlError> {
        let ours = self.ours.lock().get(name).cloned();
        let containers = self.engine.containers_of(name).await?;
        Ok(ours.is_some_and(|ours| containers.iter().any(|container| container.id != ours)))
    }

    /// Ends whatever containers the server has, by force; its volume stays.
    async fn clear(&self, name: &str) -> Result<(), ControlError> {
        for container in self.engine.containers_of(name).await? {
            self.watch.forget(&container.id);
            self.engine.remove_container(&container.id).await?;
        }
        Ok(())
    }

    async fn stop_politely(&self, name: &str) -> Result<(), ControlError> {
        for container in self.engine.containers_of(name).await? {
            self.watch.forget(&container.id);
            self.engine.stop_container(&container.id).await?;
            self.engine.remove_container(&container.id).await?;
        }
        Ok(())
    }

    /// Launches a server on a task of its own, which has the turn until then: where the caller
    /// gives up, what was made is removed before anybody else's turn comes.
    async fn launch(
        &self,
        turn: OwnedMutexGuard<()>,
        name: &str,
        volume: Option<String>,
    ) -> Result<Instance, ControlError> {
        let (reply, launched) = oneshot::channel();
        let (engine, name) = (self.engine.clone(), name.to_owned());
        tokio::spawn(async move {
            let launched = launch::launch(&engine, &name, volume).await;
            if let Err(Ok(unwanted)) = reply.send(launched) {
                launch::take_back(&engine, unwanted).await;
            }
            drop(turn);
        });
        let abandoned = |error| Err(ControlError::system("the start of a server", error));
        let instance = launched.await.unwrap_or_else(abandoned)?.instance;
        self.mind(&instance);
        Ok(instance)
    }
}

#[async_trait]
impl Control for DockerControl {
    async fn start(&self, name: &str) -> Result<Instance, ControlError> {
        check_name(name)?;
        let turn = self.turns.take(name).await;
        if let Some(instance) = self.running(name).await? {
            let Instance { address, handle, .. } = &instance;
            tracing::info!(server = name, container = short(handle), address, "taking it over");
            self.mind(&instance);
            return Ok(instance);
        }
        self.clear(name).await?;
        let volume = self.engine.volume_of(name).await?;
        self.launch(turn, name, volume).await
    }

    async fn create(&self, name: &str) -> Result<Instance, ControlError> {
        check_name(name)?;
        let turn = self.turns.take(name).await;
        self.stop_politely(name).await?;
        if let Some(left) = self.engine.volume_of(name).await? {
            tracing::warn!(server = name, "what a server before it left stays in volume {left}");
        }
        self.launch(turn, name, None).await
    }

    async fn list(&self) -> Result<Vec<Instance>, ControlError> {
        let network = &self.engine.settings.network;
        let mut running: Vec<Instance> =
            self.engine.containers().await?.iter().filter_map(|c| c.instance(network)).collect();
        running.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(running)
    }

    async fn stop(&self, name: &str) -> Result<(), ControlError> {
        check_name(name)?;
        let _turn = self.turns.take(name).await;
        self.stop_politely(name).await
    }

    async fn kill(&self, name: &str) -> Result<(), ControlError> {
        check_name(name)?;
        let _turn = self.turns.take(name).await;
        self.clear(name).await
    }

    async fn remove(&self, name: &str) -> Result<(), ControlError> {
        check_name(name)?;
        let _turn = self.turns.take(name).await;
        if self.is_anothers(name).await? {
            return Err(ControlError::Anothers(name.to_owned()));
        }
        self.stop_politely(name).await?;
        self.ours.lock().remove(name);
        match self.engine.volume_of(name).await? {
            Some(volume) => self.engine.remove_volume(&volume).await,
            None => Ok(()),
        }
    }

    fn deaths(&self) -> broadcast::Receiver<Instance> {
        self.watch.deaths()
    }
}

/// A container's id as people read it.
fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
