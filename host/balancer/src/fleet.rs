//! The servers as things that run: started, found, stopped.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use ringwright_control::{Control, ControlError, Instance};
use ringwright_wire::{HttpShardServer, Secret, ShardServer};
use tokio::sync::{OwnedMutexGuard, broadcast, watch};

/// Container control, and which servers it was seen to run.
pub struct Fleet {
    control: Arc<dyn Control>,
    timeout: Duration,
    secret: Option<Secret>,
    running: RwLock<HashMap<String, Instance>>,
    turns: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    closed: watch::Sender<bool>,
    /// Held for reading by every start.
    starts: tokio::sync::RwLock<()>,
}

impl Fleet {
    /// A fleet whose servers may take `timeout` to answer.
    pub fn new(control: Arc<dyn Control>, timeout: Duration) -> Self {
        Fleet {
            control,
            timeout,
            secret: None,
            running: RwLock::default(),
            turns: Mutex::default(),
            closed: watch::Sender::new(false),
            starts: tokio::sync::RwLock::default(),
        }
    }

    /// The same, with the secret that its servers know their balancer by.
    pub fn with_secret(self, secret: Option<Secret>) -> Self {
        Fleet { secret, ..self }
    }

    /// What the servers know their balancer by.
    pub fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    /// A turn with a server: whoever starts, ends or lets go of one of that name has it, so that
    /// one who brings a server back and one who removes it do not meet.
    pub async fn turn(&self, name: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock();
            turns.retain(|_, turn| turn.strong_count() > 0);
            turns.get(name).and_then(Weak::upgrade).unwrap_or_else(|| {
                let turn = Arc::default();
                turns.insert(name.to_owned(), Arc::downgrade(&turn));
                turn
            })
        };
        turn.lock_owned().await
    }

    /// Starts a server, or takes over the one of that name that runs.
    pub async fn start(&self, name: &str) -> Result<Arc<dyn ShardServer>, ControlError> {
        self.while_open(name, self.control.start(name)).await
    }

    /// Starts a new server; what one of that name before it left is put aside.
    pub async fn create(&self, name: &str) -> Result<Arc<dyn ShardServer>, ControlError> {
        self.while_open(name, self.control.create(name)).await
    }

    /// The servers that run.
    pub async fn list(&self) -> Result<Vec<Instance>, ControlError> {
        self.control.list().await
    }

    /// Stops a server that was found, unless one of its name has been started since. Its data
    /// stays.
    pub async fn stop(&self, found: &Instance) -> Result<(), ControlError> {
        let _turn = self.turn(&found.name).await;
        if self.running.read().contains_key(&found.name) {
            return Ok(());
        }
        self.control.stop(&found.name).await
    }

    /// Ends a server that does not answer.
    pub async fn kill(&self, name: &str) -> Result<(), ControlError> {
        self.running.write().remove(name);
        self.control.kill(name).await
    }

    /// Ends a server as a crash would: nobody here is told, and its heartbeats are missed.
    pub async fn crash(&self, name: &str) -> Result<(), ControlError> {
        let _turn = self.turn(name).await;
        self.control.kill(name).await
    }

    /// Stops a server and deletes its data.
    pub async fn remove(&self, name: &str) -> Result<(), ControlError> {
        self.running.write().remove(name);
        self.control.remove(name).await
    }

    /// From now on no server is started; those that were starting are ended by the time this
    /// returns.
    pub async fn close(&self) {
        self.closed.send_replace(true);
        drop(self.starts.write().await);
    }

    /// Where a server listens.
    pub fn address(&self, name: &str) -> Option<String> {
        self.running.read().get(name).map(|instance| instance.address.clone())
    }

    /// Whether this is the server of its name that was last started.
    pub fn is_latest(&self, instance: &Instance) -> bool {
        let running = self.running.read();
        running.get(&instance.name).is_some_and(|latest| latest.handle == instance.handle)
    }

    /// Servers as they exit.
    pub fn deaths(&self) -> broadcast::Receiver<Instance> {
        self.control.deaths()
    }

    async fn while_open(
        &self,
        name: &str,
        start: impl Future<Output = Result<Instance, ControlError>>,
    ) -> Result<Arc<dyn ShardServer>, ControlError> {
        let _under_way = self.starts.read().await;
        let mut closed = self.closed.subscribe();
        let instance = tokio::select! {
            biased;
            _ = closed.wait_for(|closed| *closed) => {
                return Err(ControlError::Closed(name.to_owned()));
            }
            started = start => started?,
        };
        let server = HttpShardServer::new(&instance.address, self.timeout);
        let server = server.with_secret(self.secret.clone());
        self.running.write().insert(name.to_owned(), instance);
        Ok(Arc::new(server))
    }
}
