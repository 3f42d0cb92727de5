//! A shard server: the row versions of its shards in SQLite or Postgres, and the rules of the
//! protocol that guard them.
//!
//! [`Storage`] is the server without a network: it implements
//! [`ringwright_wire::ShardServer`]. [`router`] puts HTTP before it, and [`run`] makes a
//! process of it.

mod apply;
mod bulk;
mod catalog;
mod charge;
mod collect;
mod database;
mod engine;
mod export;
mod http;
mod import;
mod local;
mod measure;
mod metrics;
mod paper;
mod read;
mod run;
mod storage;
mod versions;
mod writer;

pub use engine::Engine;
pub use http::{guard, router};
pub use run::{RunError, Settings, run};
pub use storage::Storage;
