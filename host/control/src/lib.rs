//! Container control: the servers as things that run, wherever they run.

mod docker;
mod error;
mod folder;
mod name;
mod process;
mod server;
mod spawn;
mod turns;

pub use docker::{DockerControl, DockerSettings, EngineError};
pub use error::ControlError;
pub use name::{NameError, check_name};
pub use process::{ProcessControl, ProcessSettings};

use async_trait::async_trait;
use tokio::sync::broadcast;

/// Starts, finds and stops servers by their names.
///
/// What runs outlives the control: another one, later, finds it and takes it over.
#[async_trait]
pub trait Control: Send + Sync + 'static {
    /// Starts the server of that name, on the data it had if any; takes over one that runs
    /// already. It listens when this returns.
    ///
    /// Given up half-way (the future dropped), it leaves nothing that runs.
    async fn start(&self, name: &str) -> Result<Instance, ControlError>;
    /// Starts a new server of that name, on no data. What one before it left, and what runs
    /// under that name, is ended and put aside, not deleted: it may be all there is of a cluster
    /// whose metadata was lost. One that does not start leaves nothing.
    async fn create(&self, name: &str) -> Result<Instance, ControlError>;
    /// The servers that run now, e.g. left by a balancer before this one, by name. One that
    /// cannot be looked at is left out.
    async fn list(&self) -> Result<Vec<Instance>, ControlError>;
    /// Stops a server, politely and then by force; its data stays. One that does not run is
    /// stopped already.
    async fn stop(&self, name: &str) -> Result<(), ControlError>;
    /// Ends a server at once, for one that hangs; its data stays.
    async fn kill(&self, name: &str) -> Result<(), ControlError>;
    /// Stops a server and deletes its data.
    async fn remove(&self, name: &str) -> Result<(), ControlError>;
    /// Servers as they exit, once each: those that were started here, and that nobody has asked
    /// to end. A successor has the name but not the handle of the one that died.
    fn deaths(&self) -> broadcast::Receiver<Instance>;
}

/// A server that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its name.
    pub name: String,
    /// Where it listens: host and port.
    pub address: String,
    /// What the system calls it, a process or container id: no two that run have the same.
    pub handle: String,
}
