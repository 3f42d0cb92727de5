//! What is measured: the program, started on data of its own.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hyper::Method;
use rand::RngExt;
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::load::{Kind, Target};

/// Keys of the default cluster, all of which have a row.
const KEYS: u64 = 3 * 4096;

/// Rows a request while the data is loaded.
const BATCH: u64 = 512;

/// Most time anything may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process that ends with this.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Politely, so that a balancer takes its servers along.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

fn start(program: &Path, args: &[&str], data: &Path) -> Result<Process> {
    std::fs::create_dir_all(data)?;
    let log = std::fs::File::create(data.join("log"))?;
    let child = Command::new(program)
        .args(args)
        .arg("--data-dir")
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))?;
    Ok(Process(child))
}

/// Waits for a line of a file.
async fn wait_for<T>(file: &Path, find: impl Fn(&str) -> Option<T>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if let Some(found) = text.lines().find_map(&find) {
            return Ok(found);
        }
        if Instant::now() > deadline {
            bail!("nothing listens after {PATIENCE:?}: {text}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn schema() -> Value {
    json!({"columns": ["Stud_id", "Stud_name", "Stud_marks"],
        "dtypes": ["Number", "String", "String"]})
}

fn student(id: u64, marks: u64) -> Value {
    json!({"Stud_id": id, "Stud_name": format!("student {id}"), "Stud_marks": marks})
}

fn any_key() -> u64 {
    rand::rng().random_range(0..KEYS)
}

/// The balancer in front of the default cluster.
pub struct Balancer {
    address: String,
    process: Process,
}

impl Balancer {
    /// Starts it and fills its table.
    pub async fn start(program: &Path, data: &Path, plugins: &Path, hash: &str) -> Result<Self> {
        let plugins = plugins.display().to_string();
        let mut args = vec!["serve", "--port", "0", "--plugin-dir", &plugins];
        args.extend(["--hash", hash, "--log-format", "json"]);
        let process = start(program, &args, data)?;
        let address = wait_for(&data.join("log"), |line| {
            let event: Value = serde_json::from_str(line).ok()?;
            (event["message"] == "serving").then(|| event["address"].as_str().map(str::to_owned))?
        })
        .await?;
        let mut connection = Connection::open(&address).await?;
        let shard = |i: u64| json!({"Stud_id_low": i * 4096, "Shard_id": format!("sh{}", i + 1), "Shard_size": 4096});
        let init = json!({"N": 3, "schema": schema(), "shards": [shard(0), shard(1), shard(2)],
            "servers": {"Server0": ["sh1", "sh2"], "Server1": ["sh2", "sh3"],
                "Server2": ["sh1", "sh3"]}});
        connection.post("/init", &init).await?;
        for low in (0..KEYS).step_by(BATCH as usize) {
            let rows: Vec<_> = (low..low + BATCH).map(|id| student(id, 0)).collect();
            connection.post("/write", &json!({"data": rows})).await?;
        }
        Ok(Balancer { address, process })
    }

    /// What it answers to `GET /plugins`.
    pub async fn plugins(&self) -> Result<Value> {
        let mut connection = Connection::open(&self.address).await?;
        let answer = connection.send(Method::GET, "/plugins", String::new()).await?;
        Ok(serde_json::from_slice::<Value>(&answer)?["message"].take())
    }

    /// Memory it has resident, its shard servers not counted.
    pub fn resident_mb(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.0.id()))?;
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
        let kb = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok());
        Ok(kb.context("VmRSS")? / 1024.0)
    }
}

impl Target for Balancer {
    fn address(&self) -> &str {
        &self.address
    }

    fn request(&self, kind: Kind, _: u16) -> (Method, &'static str, String) {
        let id = any_key();
        match kind {
            Kind::Read => (Method::POST, "/read", range(id)),
            Kind::Write => {
                let data = student(id, rand::rng().random_range(0..=100));
                (Method::PUT, "/update", json!({"Stud_id": id, "data": data}).to_string())
            }
        }
    }
}

fn range(id: u64) -> String {
    format!(r#"{{"Stud_id":{{"low":{id},"high":{id}}}}}"#)
}

/// One shard server, asked by the routes of the paper.
pub struct ShardServer {
    address: String,
    /// The VAT of each client's shard.
    terms: Vec<AtomicU64>,
    _process: Process,
}

/// The shard that is read; each client writes one of its own, whose terms only it counts.
const READ_SHARD: &str = "read";

impl ShardServer {
    /// Starts it and fills its shards.
    pub async fn start(program: &Path, data: &Path, clients: u16) -> Result<Self> {
        let process = start(program, &["shard-server", "--port", "0"], data)?;
        let text = |line: &str| (!line.is_empty()).then(|| line.to_owned());
        let address = wait_for(&data.join("address"), text).await?;
        let mut connection = Connection::open(&address).await?;
        let mut shards: Vec<String> = (0..clients).map(write_shard).collect();
        shards.push(READ_SHARD.into());
        let config = json!({"schema": schema(), "shards": shards});
        connection.post("/config", &config).await?;
        for (term, low) in (0..KEYS).step_by(BATCH as usize).enumerate() {
            let rows: Vec<_> = (low..low + BATCH).map(|id| student(id, 0)).collect();
            let write = json!({"shard": READ_SHARD, "valid_at": term, "data": rows});
            connection.post("/write", &write).await?;
        }
        for client in 0..clients {
            let write = json!({"shard": write_shard(client), "valid_at": 0,
                "data": [student(u64::from(client), 0)]});
            connection.post("/write", &write).await?;
        }
        let terms = (0..clients).map(|_| AtomicU64::new(1)).collect();
        Ok(ShardServer { address, terms, _process: process })
    }
}

fn write_shard(client: u16) -> String {
    format!("write{client}")
}

impl Target for ShardServer {
    fn address(&self) -> &str {
        &self.address
    }

    fn request(&self, kind: Kind, client: u16) -> (Method, &'static str, String) {
        match kind {
            Kind::Read => {
                let id = any_key();
                let read = json!({"shard": READ_SHARD, "valid_at": KEYS / BATCH,
                    "Stud_id": {"low": id, "high": id}});
                (Method::POST, "/read", read.to_string())
            }
            Kind::Write => {
                let valid_at = self.terms[usize::from(client)].fetch_add(1, Ordering::Relaxed);
                let id = u64::from(client);
                let data = student(id, rand::rng().random_range(0..=100));
                let update = json!({"shard": write_shard(client), "valid_at": valid_at,
                    "Stud_id": id, "data": data});
                (Method::PUT, "/update", update.to_string())
            }
        }
    }
}
