//! The dashboard in a real browser, over the real program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking
#![allow(missing_docs)]

mod access;
mod actions;
mod browser;
mod connection;
mod layout;
mod many;
mod panels;
mod pictures;
#[path = "../e2e/program.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod program;
mod replicas;
mod stand_in;
mod webdriver;
