//! The deployment as `make up` makes it, on a real engine: containers killed, paused, cut off and
//! filled under a load, and every acknowledged write looked for on every replica afterwards.
//!
//! `make test-docker` builds the images this wants, and runs it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking
#![allow(missing_docs)]

mod deployment;
mod experiment;
mod load;
#[path = "../e2e/program.rs"]
#[allow(dead_code, reason = "its balancer is a process")]
mod program;
mod replicas;
mod survival;
