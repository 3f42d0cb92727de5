//! On the real components.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

mod golden;
mod limits;
mod shown;
mod support;
