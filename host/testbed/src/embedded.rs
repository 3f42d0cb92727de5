//! The balancer as a process, and its servers as its children.

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::process::{Process, signal, wait_for};
use crate::status::{events, since};
use crate::{Connection, PATIENCE, Setup, Signal};

/// A balancer with its servers, gone when this is dropped.
pub struct Embedded {
    /// Where it listens: host and port.
    pub address: String,
    data: PathBuf,
    process: Process,
}

impl Embedded {
    /// Starts it on a folder, and waits until it can serve.
    ///
    /// # Errors
    /// What it says, where it does not.
    pub async fn start(program: &Path, data: &Path, plugins: &Path, setup: &Setup) -> Result<Self> {
        let init = setup.write(data)?.map(|file| file.display().to_string());
        let plugins = plugins.canonicalize().with_context(|| plugins.display().to_string())?;
        let plugins = plugins.display().to_string();
        let mut args = vec!["serve", "--port", "0", "--plugin-dir", &plugins];
        args.extend(["--log-format", "json"]);
        if let Some(init) = &init {
            args.extend(["--init", init]);
        }
        let process = Process::start(program, &args, &setup.settings, data)?;
        let address = wait_for(&data.join("log"), |line| {
            let event: Value = serde_json::from_str(line).ok()?;
            (event["message"] == "serving").then(|| event["address"].as_str().map(str::to_owned))?
        })
        .await?;
        ready(&address).await?;
        Ok(Embedded { address, data: data.to_owned(), process })
    }

    /// Its process, and whose it is.
    pub fn processes(&self) -> Vec<(u32, &'static str)> {
        vec![(self.process.id(), "the balancer")]
    }

    /// Memory it has resident, its servers not counted.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn resident_mb(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
        let kb = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok());
        Ok(kb.context("VmRSS")? / 1024.0)
    }

    /// What it has logged since then, an event each.
    pub(crate) fn log_since(&self, then: SystemTime) -> Result<Vec<Value>> {
        let text = std::fs::read_to_string(self.data.join("log"))?;
        Ok(since(events(&text), then))
    }

    pub(crate) fn signal(&self, server: &str, what: Signal) -> Result<()> {
        let pid = self.note(server, "pid")?.parse()?;
        signal(pid, what.name())
    }

    pub(crate) fn server_address(&self, server: &str) -> Result<String> {
        self.note(server, "address")
    }

    pub(crate) fn secret(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.data.join("secret"))?.trim().to_owned())
    }

    /// What a server has written down about itself.
    fn note(&self, server: &str, what: &str) -> Result<String> {
        let file = self.data.join("servers").join(server).join(what);
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        Ok(text.trim().to_owned())
    }
}

/// Waits until it has its cluster.
async fn ready(address: &str) -> Result<()> {
    let began = Instant::now();
    let mut connection = Connection::open(address).await?;
    while let Err(error) = connection.get("/readyz").await {
        ensure!(began.elapsed() < PATIENCE, "not ready after {PATIENCE:?}: {error}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    Ok(())
}
