//! What can go wrong with container control.

use std::error::Error;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::NameError;

/// Why a server could not be started, found or stopped, whatever it runs as.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// No server can have that name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The system that servers run on refused something.
    #[error("{what}: {error}")]
    System {
        /// What was refused: a file, a program, a signal, a request to a daemon.
        what: String,
        /// How.
        error: Box<dyn Error + Send + Sync>,
    },
    /// The server ended before it listened.
    #[error("server {name} ended at once ({status}); it said:\n{log}")]
    Exited {
        /// The server.
        name: String,
        /// How it ended, in the system's words.
        status: String,
        /// The last lines it wrote.
        log: String,
    },
    /// The server did not listen in time and was ended.
    #[error("server {name} did not listen within {limit:?}; it said:\n{log}")]
    Slow {
        /// The server.
        name: String,
        /// How long it was given.
        limit: Duration,
        /// The last lines it wrote.
        log: String,
    },
    /// Somebody uses the server's data, and it is not known who.
    #[error("the data of server {0} is in use by somebody who does not say who it is")]
    Occupied(String),
    /// Something that is not ours has the name.
    #[error(
        "container {0} is there already and is not ours: it is left alone; rename or remove it"
    )]
    Foreign(String),
    /// A balancer that took charge since has a server of that name.
    #[error("server {0} is another balancer's by now: it is left alone, data and all")]
    Anothers(String),
    /// The server does not end, not even by force.
    #[error("server {0} does not end")]
    Stuck(String),
    /// Servers are being ended for good: none is started any more.
    #[error("server {0} is not started: the balancer is stopping")]
    Closed(String),
}

impl ControlError {
    /// The system refused `what`.
    pub fn system(what: impl Into<String>, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        ControlError::System { what: what.into(), error: error.into() }
    }
}

/// For `map_err`: tells which file it was.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> ControlError {
    move |error| ControlError::system(path.display().to_string(), error)
}
