//! Container control: the servers as things that run, wherever they run.

mod error;
mod folder;
mod name;
mod process;
mod server;
mod spawn;

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
    async fn start(&self, name: &str) -> Result<Instance, ControlError>;
    /// The servers that run now, e.g. left by a balancer before this one, by name.
    async fn list(&self) -> Result<Vec<Instance>, ControlError>;
    /// Stops a server, politely and then by force; its data stays. One that does not run is
    /// stopped already.
    async fn stop(&self, name: &str) -> Result<(), ControlError>;
    /// Ends a server at once, for one that hangs; its data stays.
    async fn kill(&self, name: &str) -> Result<(), ControlError>;
    /// Stops a server and deletes its data.
    async fn remove(&self, name: &str) -> Result<(), ControlError>;
    /// Names of servers as they exit, once each: those that [`start`](Control::start) gave, and
    /// that nobody has asked to end.
    fn deaths(&self) -> broadcast::Receiver<String>;
}

/// A server that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its name.
    pub name: String,
    /// Where it listens: host and port.
    pub address: String,
    /// What the system calls it, a process or container id; for people.
    pub handle: String,
}
