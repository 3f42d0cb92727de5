//! One shard server, asked by the routes of the paper.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use hyper::Method;
use rand::RngExt;
use ringwright_testbed::{Ask, Connection, Process, schema, student, wait_for};
use serde_json::json;

use super::ROWS;
use super::load::{Kind, Target};

/// Rows a request while the data is loaded.
const BATCH: u64 = 512;

/// The shard that is read; each client writes one of its own, whose terms only it counts.
const READ_SHARD: &str = "read";

/// A shard server without a balancer.
pub struct ShardServer {
    address: String,
    /// The VAT of each client's shard.
    terms: Vec<AtomicU64>,
    _process: Process,
}

impl ShardServer {
    /// Starts it and fills its shards.
    pub async fn start(program: &Path, data: &Path, clients: u16) -> Result<Self> {
        let process = Process::start(program, &["shard-server", "--port", "0"], &[], data)?;
        let text = |line: &str| (!line.is_empty()).then(|| line.to_owned());
        let address = wait_for(&data.join("address"), text).await?;
        let mut connection = Connection::open(&address).await?;
        let mut shards: Vec<String> = (0..clients).map(write_shard).collect();
        shards.push(READ_SHARD.into());
        let config = json!({"schema": schema(), "shards": shards});
        connection.post("/config", &config).await?;
        for (term, low) in (0..ROWS).step_by(BATCH as usize).enumerate() {
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

    fn request(&self, kind: Kind, client: u16) -> Ask {
        if kind == Kind::Read {
            let id = rand::rng().random_range(0..ROWS);
            let read = json!({"shard": READ_SHARD, "valid_at": ROWS / BATCH,
                "Stud_id": {"low": id, "high": id}});
            return (Method::POST, "/read", read.to_string());
        }
        let shard = write_shard(client);
        let valid_at = self.terms[usize::from(client)].fetch_add(1, Ordering::Relaxed);
        if kind == Kind::Insert {
            // Above every client's row, and no key twice, as no term is.
            let data = [student(ROWS + valid_at, 0)];
            let write = json!({"shard": shard, "valid_at": valid_at, "data": data});
            return (Method::POST, "/write", write.to_string());
        }
        let id = u64::from(client);
        let data = student(id, rand::rng().random_range(0..=100));
        let update = json!({"shard": shard, "valid_at": valid_at, "Stud_id": id, "data": data});
        (Method::PUT, "/update", update.to_string())
    }
}
