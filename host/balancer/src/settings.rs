//! What an operator may set about the balancer.

use std::path::PathBuf;
use std::time::Duration;

use ringwright_wire::Secret;

/// The balancer's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many copies of a shard are placed where a request does not say.
    pub replicas: u32,
    /// t: how often each server is asked for a sign of life.
    pub heartbeat_interval: Duration,
    /// N: after how many misses in a row a server is given up.
    pub flatline_after: u32,
    /// After how many failed replacements of a server its copies go to others.
    pub respawn_attempts: u32,
    /// How long a server may take over any one request.
    pub server_timeout: Duration,
    /// How long a new replica may take to copy before `/add` is refused.
    pub copy_timeout: Duration,
    /// Largest request body, in bytes.
    pub body_limit: usize,
    /// Most connections at once; beyond them clients wait until one ends.
    pub max_connections: usize,
    /// Most requests under way at once.
    pub max_requests: usize,
    /// Most requests a second from one address; 0 for any number.
    pub rate_limit: u32,
    /// What changes of the cluster want to be shown; without one they are anybody's.
    pub token: Option<Secret>,
    /// Largest component that is taken as an upload, in bytes.
    pub upload_limit: usize,
    /// Folder that uploads go to; the catalogue must look after it.
    pub upload_dir: PathBuf,
    /// Whether somebody is about to set a cluster up: without one, `/readyz` says no.
    pub expects_cluster: bool,
    /// Whether this is a demo: servers may then be killed over the API.
    pub demo: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            replicas: 3,
            heartbeat_interval: Duration::from_millis(500),
            flatline_after: 5,
            respawn_attempts: 3,
            server_timeout: Duration::from_secs(5),
            copy_timeout: Duration::from_secs(600),
            body_limit: 16 << 20,
            max_connections: 8192,
            max_requests: 4096,
            rate_limit: 0,
            token: None,
            upload_limit: 32 << 20,
            upload_dir: PathBuf::from("uploads"),
            expects_cluster: false,
            demo: false,
        }
    }
}
