//! Postgres as a process, watched until it exits.

use std::fs::File;
use std::io;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::sync::watch;

use crate::PostgresError;

/// How long Postgres may take to end at once; it gives its children 5 s.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(7);

/// How often it is looked at meanwhile.
const POLL: Duration = Duration::from_millis(5);

/// A process that is ended at once where this is dropped.
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// Held, so that its number cannot come to mean another.
    fd: OwnedFd,
    /// How it ended, once it has.
    status: watch::Receiver<Option<String>>,
    thread: JoinHandle<()>,
}

impl Process {
    /// Starts it, on a thread of its own that lives as long as it does: the signal for the case
    /// that its parent dies comes when the thread dies that started it.
    ///
    /// The lock is held until it has exited.
    pub(crate) fn start(
        mut command: Command,
        lock: File,
    ) -> Result<(Self, ChildStderr), PostgresError> {
        let what = format!("cannot run {}", command.get_program().display());
        let (exited, status) = watch::channel(None);
        let (started, starts) = std::sync::mpsc::sync_channel(1);
        let run = move || {
            let _lock = lock;
            let spawned = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
            match spawned.and_then(held) {
                Ok((mut child, stderr, fd)) => {
                    // An error means that nobody waits for it: it is ended as it is dropped.
                    let _ = started.send(Ok((child.id(), fd, stderr)));
                    let status = child.wait();
                    let status = status.map_or_else(|e| e.to_string(), |s| s.to_string());
                    exited.send_replace(Some(status));
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                }
            }
        };
        let thread = std::thread::Builder::new().name("postgres".into()).spawn(run);
        let thread = thread.map_err(PostgresError::system("a thread for Postgres"))?;
        let started = starts.recv().unwrap_or_else(|gone| Err(io::Error::other(gone)));
        let (pid, fd, stderr) = started.map_err(PostgresError::system(what))?;
        Ok((Process { pid, fd, status, thread }, stderr))
    }

    /// Waits for its end; tells how it ended, in the system's words.
    pub(crate) async fn exited(&self) -> String {
        let mut status = self.status.clone();
        match status.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(status)) => status.clone(),
            _ => "nobody knows how".into(),
        }
    }

    /// Sends it a signal; one that has ended needs none.
    pub(crate) fn signal(&self, signal: Signal) -> Result<(), PostgresError> {
        match pidfd_send_signal(&self.fd, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(PostgresError::system(format!("process {}", self.pid))(error.into())),
        }
    }
}

impl Drop for Process {
    /// Waits: the folder is not to be touched while it runs.
    fn drop(&mut self) {
        for signal in [Signal::QUIT, Signal::KILL] {
            if self.status.borrow().is_none()
                && let Err(error) = self.signal(signal)
            {
                return tracing::warn!(%error, "Postgres could not be ended");
            }
            if self.is_over_within(AT_ONCE) {
                return;
            }
        }
        tracing::error!(pid = self.pid, "Postgres does not end, not even by force");
    }
}

impl Process {
    /// Whether the thread has ended, and with it the lock is given back.
    fn is_over_within(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while !self.thread.is_finished() {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(POLL);
        }
        true
    }
}

/// A child with what it says, and held by more than its number.
fn held(mut child: Child) -> io::Result<(Child, ChildStderr, OwnedFd)> {
    match (child.stderr.take(), pidfd_open(Pid::from_child(&child), PidfdFlags::empty())) {
        (Some(stderr), Ok(fd)) => Ok((child, stderr, fd)),
        (_, held) => {
            child.kill()?;
            child.wait()?;
            Err(held.err().map_or_else(|| io::Error::other("no pipe for its log"), Into::into))
        }
    }
}
