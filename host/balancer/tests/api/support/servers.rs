//! Container control for tests: real shard servers, in this process.
//!
//! Each has a runtime of its own, and ending it drops its tasks and connections wherever they
//! are, as killing a process does. Its file stays, and the next start opens it again.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use ringwright_control::{Control, ControlError, Instance, check_name};
use ringwright_shard_server::{Storage, router};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{broadcast, oneshot, watch};

pub struct Servers {
    dir: PathBuf,
    deaths: broadcast::Sender<Instance>,
    running: Mutex<BTreeMap<String, Running>>,
    broken: Mutex<HashSet<String>>,
    /// Which starts wait before they do anything.
    held: watch::Sender<Held>,
    /// Starts asked for so far.
    starts: watch::Sender<usize>,
    /// The names of those that were started, in order.
    launched: Mutex<Vec<String>>,
}

/// Which starts wait.
#[derive(Clone, PartialEq)]
enum Held {
    None,
    All,
    Of(String),
}

struct Running {
    address: String,
    runtime: Option<Runtime>,
    /// Dropped, it lets a server go on that hangs.
    hangs: Option<std::sync::mpsc::Sender<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.hangs = None;
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background(); // a drop would block, which no runtime's thread may
        }
    }
}

impl Servers {
    pub fn new(dir: &Path) -> Self {
        Servers {
            dir: dir.to_owned(),
            deaths: broadcast::Sender::new(64),
            running: Mutex::default(),
            broken: Mutex::default(),
            held: watch::Sender::new(Held::None),
            starts: watch::Sender::new(0),
            launched: Mutex::default(),
        }
    }

    /// The names of those that run.
    pub fn running(&self) -> Vec<String> {
        self.running.lock().keys().cloned().collect()
    }

    /// Ends a server as a crash would; where `announced`, the system tells of it.
    pub async fn crash(&self, name: &str, announced: bool) {
        let instance = self.instance(name);
        assert!(self.end(name).await, "{name} does not run");
        if announced {
            self.announce(instance.unwrap());
        }
    }

    /// Tells of a death.
    pub fn announce(&self, dead: Instance) {
        let _ = self.deaths.send(dead); // nobody may listen
    }

    /// From now on a server answers nothing, and takes whatever it is sent.
    pub async fn hang(&self, name: &str) {
        let (hold, held) = std::sync::mpsc::channel();
        let (tell, told) = oneshot::channel();
        {
            let mut running = self.running.lock();
            let server = running.get_mut(name).unwrap();
            server.hangs = Some(hold);
            // It has one thread, and nothing else runs there until somebody drops the sender.
            server.runtime.as_ref().unwrap().spawn(async move {
                let _ = tell.send(());
                let _ = held.recv();
            });
        }
        told.await.unwrap();
    }

    /// Deletes what a server that does not run has on disk.
    pub fn wipe(&self, name: &str) {
        assert!(!self.running.lock().contains_key(name), "{name} runs");
        std::fs::remove_dir_all(self.dir.join(name)).unwrap();
    }

    /// Whether a server left anything on disk.
    pub fn has_data(&self, name: &str) -> bool {
        self.dir.join(name).exists()
    }

    /// From now on a server of that name does not start, or does again.
    pub fn set_broken(&self, name: &str, broken: bool) {
        if broken {
            self.broken.lock().insert(name.to_owned());
        } else {
            self.broken.lock().remove(name);
        }
    }

    /// From now on starts wait, or go on.
    pub fn hold_starts(&self, held: bool) {
        self.held.send_replace(if held { Held::All } else { Held::None });
    }

    /// From now on the starts of one server wait.
    pub fn hold_start_of(&self, name: &str) {
        self.held.send_replace(Held::Of(name.to_owned()));
    }

    /// Whether anybody would hear of a death.
    pub fn is_listened_to(&self) -> bool {
        self.deaths.receiver_count() > 0
    }

    /// Waits for starts to be asked for, as many as there were and one more.
    pub async fn another_start(&self) -> impl Future<Output = ()> {
        let mut starts = self.starts.subscribe();
        let so_far = *starts.borrow();
        async move {
            starts.wait_for(|n| *n > so_far).await.unwrap();
        }
    }

    /// How often a server of that name was started.
    pub fn launches(&self, name: &str) -> usize {
        self.launched.lock().iter().filter(|launched| *launched == name).count()
    }

    async fn end(&self, name: &str) -> bool {
        let Some(mut running) = self.running.lock().remove(name) else { return false };
        running.hangs = None;
        let runtime = running.runtime.take().unwrap();
        let end = move || runtime.shutdown_timeout(Duration::from_secs(10));
        tokio::task::spawn_blocking(end).await.unwrap();
        true
    }

    /// A server that runs.
    pub fn instance(&self, name: &str) -> Option<Instance> {
        let address = self.running.lock().get(name)?.address.clone();
        let handle = address.clone();
        Some(Instance { name: name.to_owned(), address, handle })
    }

    /// Waits for its turn to start, as a test may want it to.
    async fn asked_to_start(&self, name: &str) -> Result<(), ControlError> {
        check_name(name)?;
        self.starts.send_modify(|n| *n += 1);
        let goes = |held: &Held| *held != Held::All && *held != Held::Of(name.to_owned());
        self.held.subscribe().wait_for(goes).await.unwrap();
        let broken = self.broken.lock().contains(name);
        if broken { Err(ControlError::Stuck(name.to_owned())) } else { Ok(()) }
    }

    async fn launch(&self, name: &str) -> Instance {
        let dir = self.dir.join(name);
        std::fs::create_dir_all(&dir).unwrap();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (tell, told) = oneshot::channel();
        let own_name = name.to_owned();
        runtime.spawn(async move {
            let storage = Storage::open_sqlite(dir.join("data.sqlite")).await.unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let _ = tell.send(listener.local_addr().unwrap().to_string());
            axum::serve(listener, router(&own_name, storage)).await.unwrap();
        });
        let running = Running { address: told.await.unwrap(), runtime: Some(runtime), hangs: None };
        self.running.lock().insert(name.to_owned(), running);
        self.launched.lock().push(name.to_owned());
        self.instance(name).unwrap()
    }
}

#[async_trait]
impl Control for Servers {
    async fn start(&self, name: &str) -> Result<Instance, ControlError> {
        self.asked_to_start(name).await?;
        match self.instance(name) {
            Some(instance) => Ok(instance),
            None => Ok(self.launch(name).await),
        }
    }

    async fn create(&self, name: &str) -> Result<Instance, ControlError> {
        self.asked_to_start(name).await?;
        self.end(name).await;
        if self.has_data(name) {
            std::fs::rename(self.dir.join(name), self.dir.join(format!(".{name}"))).unwrap();
        }
        Ok(self.launch(name).await)
    }

    async fn list(&self) -> Result<Vec<Instance>, ControlError> {
        Ok(self.running().iter().filter_map(|name| self.instance(name)).collect())
    }

    async fn stop(&self, name: &str) -> Result<(), ControlError> {
        check_name(name)?;
        self.end(name).await;
        Ok(())
    }

    async fn kill(&self, name: &str) -> Result<(), ControlError> {
        self.stop(name).await
    }

    async fn remove(&self, name: &str) -> Result<(), ControlError> {
        self.stop(name).await?;
        if self.has_data(name) {
            self.wipe(name);
        }
        Ok(())
    }

    fn deaths(&self) -> broadcast::Receiver<Instance> {
        self.deaths.subscribe()
    }
}
