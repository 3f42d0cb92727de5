//! The real program, as its users run it: child processes, signals and all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking
#![allow(missing_docs)]

mod access;
mod backup;
mod chaos;
mod experiment;
mod failures;
mod metadata;
mod metrics;
mod plugin;
mod postgres;
mod program;
mod start;
mod stopping;
mod tools;
mod traces;
