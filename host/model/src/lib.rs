//! The data model everyone shares: the schema and its rows, keys and terms, and the
//! cluster's configuration (shards, servers, who holds what).

mod attributes;
mod choice;
mod cluster;
mod event;
mod row;
mod schema;
mod shard;

pub use attributes::{Attributes, Labels};
pub use choice::Choice;
pub use cluster::{ClusterConfig, Protocol, Replica, ReplicaState, Server};
pub use event::{EVENTS_OF_AN_EPOCH, Event, EventId, EventKind};
pub use row::{Row, RowError};
pub use schema::{Dtype, Schema, SchemaError, parse_key};
pub use shard::{Shard, Sharding};

/// A row's key: the value of the schema's first column, 0 to 2^63-1.
pub type Key = i64;

/// A logical time of one shard: its n-th commit. Terms of different shards do not compare.
pub type Term = u64;

/// The term at which a row version that still lives will be deleted: never.
///
/// `i64::MAX`, so that every database can hold it in a signed 64-bit column.
pub const NEVER: Term = i64::MAX as Term;

/// Grows each time a balancer takes charge of the cluster; fences those before it.
pub type Epoch = u64;
