//! A real Postgres, started and stopped, killed and found again.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

mod ends;
mod folders;
mod place;
mod tcp;
