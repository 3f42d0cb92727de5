//! A cluster of one's own, started on data of its own, gone when it is dropped: to be measured,
//! and to have harm done to it.
//!
//! It is the program as its users run it: a balancer with its servers as child processes
//! ([`Embedded`]), or the deployment of `make up` ([`Deployment`]). [`Cluster`] is either.

mod cluster;
mod connection;
mod deployment;
mod docker;
mod embedded;
mod process;
mod replica;
mod rows;
mod setup;
mod status;

pub use cluster::{Cluster, Signal};
pub use connection::{Answer, Connection};
pub use deployment::{Deployment, Place};
pub use docker::{docker, engine_answers, pid, run};
pub use embedded::Embedded;
pub use process::{Process, wait_for};
pub use replica::Replicas;
pub use rows::{Ask, read, schema, shards, student, update, write};
pub use setup::Setup;
pub use status::{all_in_sync, plugins, replicas, ring, settled, status, time_of};

use std::time::Duration;

/// Most time anything may take to start.
pub const PATIENCE: Duration = Duration::from_secs(60);
