//! The protocol as a model, checked exhaustively over small cases.
//!
//! - `schedules`: the paper's Algorithm 1 as printed, every schedule of a few requests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking
#![allow(clippy::print_stdout)] // sizes and times, with `--nocapture`

mod balancer;
mod cases;
mod clients;
mod invariants;
mod joins;
mod model;
mod needed;
mod protocol;
mod reads;
mod rules;
mod schedules;
mod server;
mod state;
mod writes;
