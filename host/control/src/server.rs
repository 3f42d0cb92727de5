//! A server that runs as a process, watched until it exits.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::unix::AsyncFd;
use tokio::process::Child;
use tokio::sync::{broadcast, watch};

use crate::{ControlError, Instance};

/// A process, held so that its number cannot come to mean another.
pub(crate) struct Process {
    pid: Pid,
    fd: AsyncFd<OwnedFd>,
}

impl Process {
    pub(crate) fn open(pid: Pid) -> io::Result<Self> {
        let fd = pidfd_open(pid, PidfdFlags::empty())?;
        #[expect(deprecated, reason = "unsound for what may close early; an OwnedFd does not")]
        let fd = AsyncFd::new(fd)?;
        Ok(Process { pid, fd })
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Waits for its end, whoever started it.
    async fn exited(&self) -> io::Result<()> {
        self.fd.readable().await.map(|_| ())
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(self.fd.get_ref(), signal) {
            Err(rustix::io::Errno::SRCH) => Ok(()), // it has ended, as was wished
            sent => Ok(sent?),
        }
    }
}

/// A server that runs, or has just ceased to.
pub(crate) struct Server {
    pub(crate) instance: Instance,
    process: Process,
    /// Whether somebody asked it to end.
    asked: AtomicBool,
    gone: watch::Sender<bool>,
}

impl Server {
    /// Watches a server, of whose process we may be the parent; tells of its death.
    pub(crate) fn watch(
        instance: Instance,
        process: Process,
        child: Option<Child>,
        deaths: broadcast::Sender<Instance>,
    ) -> Arc<Self> {
        let (asked, gone) = (AtomicBool::new(false), watch::Sender::new(false));
        let server = Arc::new(Server { instance, process, asked, gone });
        tokio::spawn(server.clone().see_off(child, deaths));
        server
    }

    async fn see_off(self: Arc<Self>, child: Option<Child>, deaths: broadcast::Sender<Instance>) {
        let Instance { name, handle, .. } = &self.instance;
        let watched = self.process.exited().await;
        if let Err(error) = &watched
            && child.is_none()
        {
            // Whether it runs nobody knows. Forgotten, it is looked for when next it is asked
            // for; until then its heartbeat tells.
            tracing::error!(server = name, pid = handle, %error, "a server cannot be watched");
            self.gone.send_replace(true);
            return;
        }
        let status = match child {
            Some(mut child) => child.wait().await.map_or_else(|e| e.to_string(), |s| s.to_string()),
            None => "its status went to whoever started it".to_owned(),
        };
        if self.asked.load(Ordering::Acquire) {
            tracing::info!(server = name, pid = handle, status, "server ended");
        } else {
            tracing::warn!(server = name, pid = handle, status, "server exited");
            let _ = deaths.send(self.instance.clone()); // an error means that nobody listens
        }
        self.gone.send_replace(true);
    }

    /// Asks it to end; its death is no news then.
    pub(crate) fn end(&self, signal: Signal) -> Result<(), ControlError> {
        self.asked.store(true, Ordering::Release);
        self.process.signal(signal).map_err(|error| {
            let Instance { name, handle, .. } = &self.instance;
            ControlError::system(format!("process {handle} of server {name}"), error)
        })
    }

    pub(crate) fn is_gone(&self) -> bool {
        *self.gone.borrow()
    }

    /// Waits until it has exited and whoever listens was told.
    pub(crate) async fn gone(&self) {
        // The sender lives as long as `self`: there is no error.
        let _ = self.gone.subscribe().wait_for(|gone| *gone).await;
    }
}
