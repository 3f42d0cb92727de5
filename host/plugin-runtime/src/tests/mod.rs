//! Against the real plugins, and against guests that mean harm.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

mod admission;
mod catalogue;
mod hostile;
mod loading;
mod real;
mod stand_ins;
pub(crate) mod support;
