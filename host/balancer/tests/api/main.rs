//! The REST contract, asked over a network of a balancer with real servers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod about;
mod database;
mod rows;
mod servers;
mod support;
