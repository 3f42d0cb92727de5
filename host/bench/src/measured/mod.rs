//! What can be measured, each started on data of its own.

mod balancer;
mod front;
mod load;
mod pgbench;
mod shard_server;

pub use balancer::Filled;
pub use front::{Front, ROOM, SHARDS, update};
pub use load::{Kind, Measured, measure};
pub use pgbench::Pgbench;
pub use shard_server::ShardServer;

/// Rows that are there when the measuring begins, the same keys for all.
pub const ROWS: u64 = 3 * 4096;
