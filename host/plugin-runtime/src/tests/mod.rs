//! Against the real plugins, and against guests that mean harm.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

mod catalogue;
mod hostile;
mod loading;
mod real;
pub(crate) mod support;
