//! A balancer as clients see it, wherever it runs: the paper's default cluster, its shards wide
//! enough for new rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use hyper::Method;
use rand::RngExt;
use serde_json::{Value, json};

use super::load::{Kind, Target};
use super::{Connection, schema, student};

/// Rows a request while the data is loaded.
const BATCH: u64 = 5_000;

/// Shards of the cluster.
pub const SHARDS: u64 = 3;

/// Keys of a shard that has room for every insert of a measurement.
pub const ROOM: u64 = 100_000_000;

/// A balancer's address, and the rows behind it.
#[derive(Clone)]
pub struct Front {
    pub address: String,
    /// Keys of a shard.
    size: u64,
    /// Rows there were before any insert.
    rows: u64,
    inserted: Arc<AtomicU64>,
}

impl Front {
    /// A payload of `/init`: three servers, three shards with so many keys each.
    pub fn cluster(size: u64) -> Value {
        let shard = |i: u64| {
            json!({"Stud_id_low": i * size, "Shard_id": format!("sh{}", i + 1),
                "Shard_size": size})
        };
        json!({"N": 3, "schema": schema(), "shards": [shard(0), shard(1), shard(2)],
            "servers": {"Server0": ["sh1", "sh2"], "Server1": ["sh2", "sh3"],
                "Server2": ["sh1", "sh3"]}})
    }

    /// Fills the first keys of each shard.
    pub async fn fill(address: String, size: u64, rows: u64) -> Result<Self> {
        let front = Front { address, size, rows, inserted: Arc::default() };
        let mut connection = Connection::open(&front.address).await?;
        for shard in 0..SHARDS {
            let keys: Vec<u64> = (shard..rows).step_by(SHARDS as usize).collect();
            for batch in keys.chunks(BATCH as usize) {
                let rows: Vec<_> = batch.iter().map(|n| student(front.key(*n), 0)).collect();
                connection.post("/write", &json!({"data": rows})).await?;
            }
        }
        Ok(front)
    }

    /// The key of a row by its number: the shards in turn.
    pub fn key(&self, row: u64) -> u64 {
        (row % SHARDS) * self.size + row / SHARDS
    }

    /// The key of some row.
    fn any_key(&self) -> u64 {
        self.key(rand::rng().random_range(0..self.rows))
    }

    /// The key of some row of a shard.
    pub fn any_key_of(&self, shard: u64) -> u64 {
        self.key(rand::rng().random_range(0..self.rows / SHARDS) * SHARDS + shard)
    }
}

/// A read of one row.
pub fn read(id: u64) -> (Method, &'static str, String) {
    let range = format!(r#"{{"Stud_id":{{"low":{id},"high":{id}}}}}"#);
    (Method::POST, "/read", range)
}

/// An update of one row.
pub fn update(id: u64) -> (Method, &'static str, String) {
    let data = student(id, rand::rng().random_range(0..=100));
    (Method::PUT, "/update", json!({"Stud_id": id, "data": data}).to_string())
}

impl Target for Front {
    fn address(&self) -> &str {
        &self.address
    }

    fn request(&self, kind: Kind, _: u16) -> (Method, &'static str, String) {
        match kind {
            Kind::Read => read(self.any_key()),
            Kind::Update => update(self.any_key()),
            Kind::Insert => {
                let row = self.rows + self.inserted.fetch_add(1, Ordering::Relaxed);
                let data = [student(self.key(row), 0)];
                (Method::POST, "/write", json!({"data": data}).to_string())
            }
        }
    }
}
