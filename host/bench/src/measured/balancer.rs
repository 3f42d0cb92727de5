//! The balancer as a process, over shard servers with SQLite.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::front::{Front, ROOM};
use super::process::{Process, wait_for};
use super::{Connection, PATIENCE, ROWS};

/// The balancer in front of the default cluster.
pub struct Balancer {
    pub front: Front,
    process: Process,
}

impl Balancer {
    /// Starts it and fills its table.
    pub async fn start(program: &Path, data: &Path, plugins: &Path, hash: &str) -> Result<Self> {
        std::fs::create_dir_all(data)?;
        let cluster = data.join("cluster.json");
        std::fs::write(&cluster, Front::cluster(ROOM).to_string())?;
        let (plugins, cluster) = (plugins.display().to_string(), cluster.display().to_string());
        let mut args = vec!["serve", "--port", "0", "--plugin-dir", &plugins];
        args.extend(["--hash", hash, "--log-format", "json", "--init", &cluster]);
        let process = Process::start(program, &args, data)?;
        let address = wait_for(&data.join("log"), |line| {
            let event: Value = serde_json::from_str(line).ok()?;
            (event["message"] == "serving").then(|| event["address"].as_str().map(str::to_owned))?
        })
        .await?;
        ready(&address).await?;
        Ok(Balancer { front: Front::fill(address, ROOM, ROWS).await?, process })
    }

    /// What it answers to `GET /plugins`.
    pub async fn plugins(&self) -> Result<Value> {
        let mut connection = Connection::open(&self.front.address).await?;
        let answer = connection.get("/plugins").await?;
        Ok(serde_json::from_slice::<Value>(&answer)?["message"].take())
    }

    /// Its process, and whose it is.
    pub fn processes(&self) -> Vec<(u32, &'static str)> {
        vec![(self.process.id(), "the balancer")]
    }

    /// Memory it has resident, its shard servers not counted.
    pub fn resident_mb(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
        let kb = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok());
        Ok(kb.context("VmRSS")? / 1024.0)
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
