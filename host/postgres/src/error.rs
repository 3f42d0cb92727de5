//! What can go wrong with a Postgres of one's own.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why Postgres could not be run, or does not end.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// The machine has no Postgres.
    #[error(
        "no Postgres is installed: neither PATH nor /usr/lib/postgresql has a folder with initdb \
         and postgres; install one (Debian: apt-get install postgresql), or name its folder"
    )]
    Missing,
    /// The folder that was named has no Postgres.
    #[error(
        "no Postgres is in {}: {why}; name the folder that has initdb and postgres", dir.display()
    )]
    NotHere {
        /// The folder.
        dir: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// There is no such user.
    #[error(
        "Postgres refuses to run as root, and there is no user {0} to run it as; install Postgres \
         (Debian: apt-get install postgresql), which brings one along, or name another user"
    )]
    NoUser(String),
    /// The user may not get to the folder.
    #[error(
        "user {user}, whom Postgres runs as, cannot enter {}: let others pass through the folders \
         above it (chmod o+x), or choose another folder", dir.display()
    )]
    NoEntry {
        /// The user.
        user: String,
        /// The folder.
        dir: PathBuf,
    },
    /// Another program runs a Postgres in the folder.
    #[error("{} is in use by another program that runs a Postgres there", .0.display())]
    InUse(PathBuf),
    /// The data are of another major version.
    #[error(
        "the data in {} are of Postgres {data}, and {} has Postgres {program}: name the folder of \
         a Postgres {data}, or move the data with pg_upgrade",
        dir.display(), binaries.display()
    )]
    Version {
        /// The data's folder.
        dir: PathBuf,
        /// The version of the data.
        data: u32,
        /// The folder of the programs.
        binaries: PathBuf,
        /// Their version.
        program: u32,
    },
    /// The data's folder has something else in it.
    #[error(
        "{} holds files and is no database cluster (it has no PG_VERSION): move them away, or \
         choose another folder", .0.display()
    )]
    NoCluster(PathBuf),
    /// `initdb` failed; it left nothing behind.
    #[error("initdb failed ({status}); it said:\n{log}")]
    Init {
        /// How it ended, in the system's words.
        status: String,
        /// What it said.
        log: String,
    },
    /// Postgres ended before it accepted connections.
    #[error("Postgres ended at once ({status}); it said:\n{log}")]
    Exited {
        /// How it ended, in the system's words.
        status: String,
        /// The last lines it wrote.
        log: String,
    },
    /// Postgres was not ready in time, and was ended.
    #[error("Postgres was not ready within {limit:?} ({error}); it said:\n{log}")]
    Slow {
        /// How long it was given.
        limit: Duration,
        /// What became of the last connection.
        error: String,
        /// The last lines it wrote.
        log: String,
    },
    /// What a Postgres before it left running does not end.
    #[error("the Postgres that ran in {} before does not end, not even by force", .0.display())]
    Leftover(PathBuf),
    /// Postgres does not end.
    #[error("Postgres does not end, not even by force")]
    Stuck,
    /// Postgres refused what makes it ready for use.
    #[error("Postgres could not be set up: {0}")]
    SetUp(#[from] sqlx::Error),
    /// The text can be no password.
    #[error("the password in {} is {what}: write one line into the file", file.display())]
    Password {
        /// The file it was to be in.
        file: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The system refused something.
    #[error("{what}: {error}")]
    System {
        /// What was refused: a file, a program, a signal.
        what: String,
        /// How.
        error: io::Error,
    },
}

impl PostgresError {
    /// For `map_err`: tells what was refused.
    pub(crate) fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |error| PostgresError::System { what, error }
    }
}

/// For `map_err`: tells which file it was.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> PostgresError {
    PostgresError::system(path.display().to_string())
}
