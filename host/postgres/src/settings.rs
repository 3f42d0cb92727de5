//! How to run a Postgres.

use std::path::PathBuf;
use std::time::Duration;

use crate::Password;

/// How to run a Postgres.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder it owns: its lock, its data, its socket.
    pub dir: PathBuf,
    /// The folder of `initdb` and `postgres`; without one they are looked for in PATH, and then
    /// among Debian's packages, the newest first.
    pub binaries: Option<PathBuf>,
    /// Whom it runs as where the program is run by root, as whom Postgres refuses to run.
    pub user: String,
    /// Where it listens beside its Unix socket.
    pub tcp: Option<Tcp>,
    /// Its cache of pages, in MiB; the system caches them too.
    pub shared_buffers_mib: u32,
    /// Connections it accepts at a time.
    pub max_connections: u32,
    /// How long it may take until it accepts connections. After a crash it first repeats what
    /// was not yet in its files, which takes seconds.
    pub start_timeout: Duration,
    /// How long it may take to end in good order, before it is ended at once.
    pub stop_timeout: Duration,
}

/// Where a Postgres listens over TCP, and what opens it: the role `ringwright` and its password.
#[derive(Clone, Debug)]
pub struct Tcp {
    /// The address; `0.0.0.0` for every network.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The password.
    pub password: Password,
}

/// The port that names the socket where none is listened on.
const PORT: u16 = 5432;

impl Settings {
    /// Those of a small machine, for a Postgres in that folder.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Settings {
            dir: dir.into(),
            binaries: None,
            user: "postgres".into(),
            tcp: None,
            shared_buffers_mib: 64,
            max_connections: 50,
            start_timeout: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(8),
        }
    }
    pub(crate) fn port(&self) -> u16 {
        self.tcp.as_ref().map_or(PORT, |tcp| tcp.port)
    }

    /// The settings of the server itself. Given as arguments, they go before those of the data's
    /// own files.
    pub(crate) fn server(&self) -> Vec<(&'static str, String)> {
        let host = self.tcp.as_ref().map_or("", |tcp| &tcp.host);
        let on = || "on".to_owned();
        vec![
            ("listen_addresses", host.to_owned()),
            ("port", self.port().to_string()),
            ("password_encryption", "scram-sha-256".into()),
            ("max_connections", self.max_connections.to_string()),
            // What is acknowledged is on disk, and whole.
            ("fsync", on()),
            ("full_page_writes", on()),
            ("synchronous_commit", on()),
            ("shared_buffers", format!("{}MB", self.shared_buffers_mib)),
            // Most of what is to be repeated after a crash: seconds of work.
            ("max_wal_size", "512MB".into()),
            // Statements are short and many: what runs in parallel is them.
            ("max_parallel_workers_per_gather", "0".into()),
            ("log_destination", "stderr".into()),
            ("logging_collector", "off".into()),
            ("log_line_prefix", String::new()),
            ("log_checkpoints", "off".into()),
        ]
    }
}
