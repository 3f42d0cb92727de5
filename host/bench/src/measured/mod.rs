//! What can be measured, each started on data of its own, and the students in all of them.

mod balancer;
mod connection;
mod deployment;
mod docker;
mod front;
mod load;
mod pgbench;
mod process;
mod shard_server;

pub use balancer::Balancer;
pub use connection::Connection;
pub use deployment::Deployment;
pub use docker::{docker, engine_answers, pid};
pub use front::{Front, ROOM, SHARDS, read, update};
pub use load::{Kind, Measured, measure};
pub use pgbench::Pgbench;
pub use shard_server::ShardServer;

use std::time::Duration;

use serde_json::{Value, json};

/// Rows that are there when the measuring begins, the same keys for all.
pub const ROWS: u64 = 3 * 4096;

/// Most time anything may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

fn schema() -> Value {
    json!({"columns": ["Stud_id", "Stud_name", "Stud_marks"],
        "dtypes": ["Number", "String", "String"]})
}

/// A row.
pub fn student(id: u64, marks: u64) -> Value {
    json!({"Stud_id": id, "Stud_name": format!("student {id}"), "Stud_marks": marks})
}
