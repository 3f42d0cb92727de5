//! Servers as processes of this machine, each in a folder of its own.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rustix::process::Signal;
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep, timeout};

use crate::error::at;
use crate::folder::{Folder, Occupant};
use crate::server::{Process, Server};
use crate::spawn::{POLL, spawn};
use crate::turns::Turns;
use crate::{Control, ControlError, Instance, check_name};

/// Deaths kept for a listener that is slow.
const DEATHS: usize = 1024;

/// How servers are run as processes.
#[derive(Clone, Debug)]
pub struct ProcessSettings {
    /// The program; it is run as `<exe> shard-server …`.
    pub exe: PathBuf,
    /// Where each server has its folder, of its name.
    pub servers_dir: PathBuf,
    /// A server that nobody asks anything for so long ends by itself.
    pub idle_exit: Duration,
    /// How long a server may take until it listens.
    pub start_timeout: Duration,
    /// How long a server may take to end, before it is ended by force.
    pub stop_timeout: Duration,
    /// More arguments, after ours.
    pub extra_args: Vec<OsString>,
}

/// Control over servers that are processes. They live on when it is dropped.
pub struct ProcessControl {
    settings: ProcessSettings,
    deaths: broadcast::Sender<Instance>,
    /// Those that were started or taken over.
    servers: Mutex<HashMap<String, Arc<Server>>>,
    /// One thing at a time is done about a server.
    turns: Turns,
}

impl ProcessControl {
    /// Control over the servers in the settings' folder.
    pub fn new(settings: ProcessSettings) -> Self {
        ProcessControl {
            settings,
            deaths: broadcast::Sender::new(DEATHS),
            servers: Mutex::default(),
            turns: Turns::default(),
        }
    }

    fn folder(&self, name: &str) -> Folder {
        Folder::new(&self.settings.servers_dir, name)
    }

    /// The server of that name that runs, watched from now on. One that is about to listen, or
    /// to end, is waited for.
    async fn running(&self, name: &str) -> Result<Option<Arc<Server>>, ControlError> {
        let known = self.servers.lock().get(name).cloned();
        if let Some(server) = known.filter(|server| !server.is_gone()) {
            return Ok(Some(server));
        }
        let deadline = Instant::now() + self.settings.start_timeout;
        loop {
            match self.folder(name).occupant()? {
                Occupant::Nobody => return Ok(None),
                Occupant::Server(process, address) => {
                    tracing::info!(server = name, pid = process.id(), address, "taking it over");
                    return Ok(Some(self.watch(name, process, address, None)));
                }
                Occupant::Somebody if Instant::now() >= deadline => {
                    return Err(ControlError::Occupied(name.to_owned()));
                }
                Occupant::Somebody => sleep(POLL).await,
            }
        }
    }

    fn watch(
        &self,
        name: &str,
        process: Process,
        address: String,
        child: Option<tokio::process::Child>,
    ) -> Arc<Server> {
        let instance = instance(name, &process, address);
        let server = Server::watch(instance, process, child, self.deaths.clone());
        self.servers.lock().insert(name.to_owned(), server.clone());
        server
    }

    /// Ends a server by one signal after the other, each given its time.
    async fn end(&self, name: &str, signals: &[Signal]) -> Result<(), ControlError> {
        let Some(server) = self.running(name).await? else { return Ok(()) };
        for signal in signals {
            server.end(*signal)?;
            if timeout(self.settings.stop_timeout, server.gone()).await.is_ok() {
                return self.vacant(name).await;
            }
            tracing::warn!(server = name, ?signal, "it does not end");
        }
        Err(ControlError::Stuck(name.to_owned()))
    }

    /// Waits until nobody holds the folder: a process that a server started might yet.
    async fn vacant(&self, name: &str) -> Result<(), ControlError> {
        let deadline = Instant::now() + self.settings.stop_timeout;
        while self.folder(name).is_occupied()? {
            if Instant::now() >= deadline {
                return Err(ControlError::Stuck(name.to_owned()));
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Starts a server that does not run.
    async fn launch(&self, name: &str) -> Result<Instance, ControlError> {
        let (child, process, address) = spawn(&self.settings, &self.folder(name), name).await?;
        tracing::info!(server = name, pid = process.id(), address, "server started");
        Ok(self.watch(name, process, address, Some(child)).instance.clone())
    }

    /// Deletes the folder of a server that does not run.
    async fn delete(&self, name: &str) -> Result<(), ControlError> {
        self.servers.lock().remove(name);
        let folder = self.folder(name);
        match tokio::fs::remove_dir_all(folder.path()).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(folder.path())(error)),
            _ => Ok(()),
        }
    }

    async fn stop_politely(&self, name: &str) -> Result<(), ControlError> {
        self.end(name, &[Signal::TERM, Signal::KILL]).await
    }
}

#[async_trait]
impl Control for ProcessControl {
    async fn start(&self, name: &str) -> Result<Instance, ControlError> {
        check_name(name)?;
        let _turn = self.turns.take(name).await;
        let folder = self.folder(name);
        if let Some(server) = self.running(name).await? {
            if folder.is_occupied()? {
                return Ok(server.instance.clone());
            }
            // It is past serving. Its death must be known before its successor lives.
            timeout(self.settings.stop_timeout, server.gone())
                .await
                .map_err(|_| ControlError::Stuck(name.to_owned()))?;
        }
        self.launch(name).await
    }

    async fn create(&self, name: &str) -> Result<Instance, ControlError> {
        check_name(name)?;
        let _turn = self.turns.take(name).await;
        self.stop_politely(name).await?;
        self.folder(name).put_aside()?;
        let started = self.launch(name).await;
        if started.is_err()
            && let Err(error) = self.delete(name).await
        {
            tracing::warn!(server = name, %error, "a server that did not start left its folder");
        }
        started
    }

    async fn list(&self) -> Result<Vec<Instance>, ControlError> {
        let dir = &self.settings.servers_dir;
        let mut names = Vec::new();
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(at(dir)(error)),
        };
        for entry in entries {
            match entry {
                Ok(entry) => {
                    let name = entry.file_name().into_string().ok();
                    names.extend(name.filter(|n| check_name(n).is_ok()));
                }
                Err(error) => tracing::warn!(%error, "an entry of {} is unreadable", dir.display()),
            }
        }
        names.sort();
        let mut running = Vec::new();
        for name in names {
            let _turn = self.turns.take(&name).await;
            match self.folder(&name).occupant() {
                Ok(Occupant::Server(process, address)) => {
                    running.push(instance(&name, &process, address));
                }
                Ok(Occupant::Somebody) => {
                    tracing::warn!(server = name, "not to be told who runs it");
                }
                Ok(Occupant::Nobody) => {}
                Err(error) => tracing::warn!(server = name, %error, "not to be told if it runs"),
            }
        }
        Ok(running)
    }

    async fn stop(&self, name: &str) -> Result<(), ControlError> {
        check_name(name)?;
        let _turn = self.turns.take(name).await;
        self.stop_politely(name).await
    }

    async fn kill(&self, name: &str) -> Result<(), ControlError> {
        check_name(name)?;
        let _turn = self.turns.take(name).await;
        self.end(name, &[Signal::KILL]).await
    }

    async fn remove(&self, name: &str) -> Result<(), ControlError> {
        check_name(name)?;
        let _turn = self.turns.take(name).await;
        self.stop_politely(name).await?;
        self.delete(name).await
    }

    fn deaths(&self) -> broadcast::Receiver<Instance> {
        self.deaths.subscribe()
    }
}

fn instance(name: &str, process: &Process, address: String) -> Instance {
    Instance { name: name.to_owned(), address, handle: process.id().to_string() }
}
