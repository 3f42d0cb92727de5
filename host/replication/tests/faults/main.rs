//! The replication core over its real parts (shard servers on SQLite files, the metadata in
//! SQLite) with faults between them: requests and answers that are lost, late or held up,
//! servers and balancers that stop at the worst moment.
//!
//! Each test names a behaviour of the protocol; `harness` is the world they share. The random
//! histories replay from a number: `RINGWRIGHT_SEED=7 cargo nextest run random`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod harness;

mod agree;
mod atomic;
mod attributes;
mod charge;
mod durable;
mod histories;
mod incarnation;
mod joins;
mod late;
mod load;
mod membership;
mod once;
mod paper;
mod reads;
mod unknown;
