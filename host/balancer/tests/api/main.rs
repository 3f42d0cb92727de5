//! The REST contract, asked over a network of a balancer with real servers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod about;
mod access;
mod attributes;
mod balancing;
mod choosing;
mod dashboard;
mod database;
mod events;
mod failures;
mod hang_ups;
mod hostile;
mod metrics;
mod plugins;
mod rebalance;
mod refusals;
mod removals;
mod request_ids;
mod rows;
mod servers;
mod support;
