//! A balancer as clients see it, wherever it runs: the paper's default cluster, its shards wide
//! enough for new rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use rand::RngExt;
use ringwright_testbed::{self as testbed, Ask, Connection, schema, shards, student};
use serde_json::{Value, json};

use super::load::{Kind, Target};

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
        json!({"N": 3, "schema": schema(), "shards": shards(SHARDS, size),
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

/// An update of one row to some marks.
pub fn update(id: u64) -> Ask {
    testbed::update(id, rand::rng().random_range(0..=100))
}

impl Target for Front {
    fn address(&self) -> &str {
        &self.address
    }

    fn request(&self, kind: Kind, _: u16) -> Ask {
        match kind {
            Kind::Read => testbed::read(self.any_key()),
            Kind::Update => update(self.any_key()),
            Kind::Insert => {
                let row = self.rows + self.inserted.fetch_add(1, Ordering::Relaxed);
                testbed::write(self.key(row), 0)
            }
        }
    }
}
