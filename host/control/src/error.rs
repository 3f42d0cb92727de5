//! What can go wrong with container control.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use crate::NameError;

/// Why a server could not be started, found or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// No server can have that name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A file or folder of the servers.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// The program could not be run.
    #[error("cannot run {exe}: {error}")]
    Spawn {
        /// The program.
        exe: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// The server ended before it listened.
    #[error("server {name} ended at once ({status}); it said:\n{log}")]
    Exited {
        /// The server.
        name: String,
        /// How it ended.
        status: ExitStatus,
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
    /// Somebody holds the server's folder, and it is not known which process.
    #[error("the folder of server {0} is in use by a process that does not say which it is")]
    Occupied(String),
    /// The server does not end, not even by force.
    #[error("server {0} does not end")]
    Stuck(String),
    /// The system refused to watch or signal a process.
    #[error("process {pid} of server {name}: {error}")]
    Process {
        /// The server.
        name: String,
        /// Its process.
        pid: u32,
        /// What went wrong.
        error: io::Error,
    },
}

/// For `map_err`: tells which file it was.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> ControlError {
    let path = path.to_owned();
    move |error| ControlError::File { path, error }
}
