//! The servers as things that run: started, found, stopped.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use ringwright_control::{Control, ControlError, Instance};
use ringwright_wire::{HttpShardServer, ShardServer};

/// Container control, and where each server listens.
pub struct Fleet {
    control: Arc<dyn Control>,
    timeout: Duration,
    addresses: RwLock<HashMap<String, String>>,
}

impl Fleet {
    /// A fleet whose servers may take `timeout` to answer.
    pub fn new(control: Arc<dyn Control>, timeout: Duration) -> Self {
        Fleet { control, timeout, addresses: RwLock::default() }
    }

    /// Starts a server, or takes over the one of that name that runs.
    pub async fn start(&self, name: &str) -> Result<Arc<dyn ShardServer>, ControlError> {
        let instance = self.control.start(name).await?;
        Ok(self.found(instance))
    }

    /// The servers that run.
    pub async fn list(&self) -> Result<Vec<String>, ControlError> {
        Ok(self.control.list().await?.into_iter().map(|i| i.name).collect())
    }

    /// Stops a server; its data stays.
    pub async fn stop(&self, name: &str) -> Result<(), ControlError> {
        self.addresses.write().remove(name);
        self.control.stop(name).await
    }

    /// Ends a server that does not answer.
    pub async fn kill(&self, name: &str) -> Result<(), ControlError> {
        self.addresses.write().remove(name);
        self.control.kill(name).await
    }

    /// Stops a server and deletes its data.
    pub async fn remove(&self, name: &str) -> Result<(), ControlError> {
        self.addresses.write().remove(name);
        self.control.remove(name).await
    }

    /// Where a server listens.
    pub fn address(&self, name: &str) -> Option<String> {
        self.addresses.read().get(name).cloned()
    }

    /// Names of servers as they exit.
    pub fn deaths(&self) -> tokio::sync::broadcast::Receiver<String> {
        self.control.deaths()
    }

    fn found(&self, instance: Instance) -> Arc<dyn ShardServer> {
        let server = HttpShardServer::new(&instance.address, self.timeout);
        self.addresses.write().insert(instance.name, instance.address);
        Arc::new(server)
    }
}
