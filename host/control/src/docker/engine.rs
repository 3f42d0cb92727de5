//! The engine: whether it is there, and its words for what went wrong.

use bollard::Docker;
use bollard::errors::Error;

use super::DockerSettings;
use crate::ControlError;

/// Why containers cannot be run at all.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Nobody answers where the engine should be.
    #[error("no Docker engine answers at {engine}: {why}; is it running, and may we use it?")]
    Away {
        /// Where it was looked for.
        engine: String,
        /// What was met there.
        why: String,
    },
    /// There is no such image.
    #[error("there is no image {0}: `make images` builds it, or name another by --server-image")]
    Image(String),
    /// There is no such network.
    #[error(
        "there is no network {0}: `docker network create --internal {0}` makes it, or name \
         another by --docker-network"
    )]
    Network(String),
    /// The engine refused something.
    #[error("the Docker engine: {0}")]
    Refused(#[from] Error),
}

/// A connection to the engine; clones share it.
#[derive(Clone)]
pub(super) struct Engine {
    pub(super) docker: Docker,
    pub(super) settings: DockerSettings,
}

impl Engine {
    /// Makes sure that servers can be run.
    pub(super) async fn connect(settings: DockerSettings) -> Result<Self, EngineError> {
        let away =
            |error| EngineError::Away { engine: settings.engine.clone(), why: whole(&error) };
        let docker = Docker::connect_with_host(&settings.engine).map_err(away)?;
        // It answers in the newest version that both of us know.
        let docker = docker.negotiate_version().await.map_err(away)?;
        match docker.inspect_image(&settings.image).await {
            Err(error) if is_missing(&error) => {
                return Err(EngineError::Image(settings.image));
            }
            found => found?,
        };
        match docker.inspect_network(&settings.network, None).await {
            Err(error) if is_missing(&error) => {
                return Err(EngineError::Network(settings.network));
            }
            found => found?,
        };
        Ok(Engine { docker, settings })
    }
}

/// Whether the engine says that there is no such thing.
pub(super) fn is_missing(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 404, .. })
}

/// Whether the engine says that it clashes with something that is there.
pub(super) fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 409, .. })
}

/// What is not there any more, or done already, is as it was wished.
pub(super) fn unless_gone(done: Result<(), Error>) -> Result<(), Error> {
    match done {
        Err(error) if is_missing(&error) => Ok(()),
        Err(Error::DockerResponseServerError { status_code: 304, .. }) => Ok(()),
        done => done,
    }
}

/// For `map_err`: tells what the engine was asked for.
pub(super) fn asked(what: impl Into<String>) -> impl FnOnce(Error) -> ControlError {
    move |error| ControlError::system(what, whole(&error))
}

/// An error with what caused it: the cause is where a refused socket says why.
fn whole(error: &Error) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |e| e.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
