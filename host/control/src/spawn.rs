//! Starting a server as a process.

use std::fs::File;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::error::{ControlError, at};
use crate::folder::Folder;
use crate::process::ProcessSettings;
use crate::server::Process;

/// How often a starting server's files are looked at.
pub(crate) const POLL: Duration = Duration::from_millis(10);

/// Starts a server and waits until it listens. One that does not make it is gone on return.
pub(crate) async fn spawn(
    settings: &ProcessSettings,
    folder: &Folder,
    name: &str,
) -> Result<(Child, Process, String), ControlError> {
    folder.prepare()?;
    let (log, from) = folder.open_log()?;
    let mut starting = Starting(Some(run(settings, folder, name, log)?));
    let limit = settings.start_timeout;
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline {
        if let Some((process, address)) = folder.server()
            && let Some(child) = starting.0.take()
        {
            return Ok((child, process, address));
        }
        let Some(child) = &mut starting.0 else { break };
        if let Ok(ended) = tokio::time::timeout(POLL, child.wait()).await {
            let status = ended.map_err(at(folder.path()))?;
            let log = folder.log_tail(from);
            let (name, status) = (name.to_owned(), status.to_string());
            return Err(ControlError::Exited { name, status, log });
        }
    }
    if let Some(child) = &mut starting.0 {
        child.kill().await.map_err(at(folder.path()))?;
    }
    Err(ControlError::Slow { name: name.to_owned(), limit, log: folder.log_tail(from) })
}

fn run(
    settings: &ProcessSettings,
    folder: &Folder,
    name: &str,
    log: File,
) -> Result<Child, ControlError> {
    let ProcessSettings { exe, idle_exit, extra_args, .. } = settings;
    let errors = log.try_clone().map_err(at(folder.path()))?;
    Command::new(exe)
        .args(["shard-server", "--name", name, "--data-dir"])
        .arg(folder.path())
        .args(["--port", "0", "--idle-exit"])
        .arg(format!("{}s", idle_exit.as_secs_f64().ceil()))
        .args(extra_args)
        // Secrets of the balancer's.
        .env_remove("RINGWRIGHT_TOKEN")
        .env_remove("RINGWRIGHT_METADATA_URL")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        // A Ctrl-C at the terminal is for the balancer, which ends its servers in good order.
        .process_group(0)
        .spawn()
        .map_err(|error| ControlError::system(format!("cannot run {}", exe.display()), error))
}

/// A process that does not listen yet. Whoever ceases to wait for it ends it: nobody would know
/// of it.
struct Starting(Option<Child>);

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0
            && let Err(error) = child.start_kill()
            && error.kind() != io::ErrorKind::InvalidInput
        {
            tracing::warn!(%error, "a server that was starting could not be ended");
        }
    }
}
