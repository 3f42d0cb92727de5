//! Runs plugins: hash functions and placement policies that are WebAssembly components.
//!
//! A plugin gets nothing from the host but its arguments: no files, no clock, no network. Each
//! call has a deadline, a memory limit and a bound on what it may answer; whatever a plugin
//! does, the caller gets an answer that has been checked, or a typed error, and soon.

mod about;
mod bindings;
mod cache;
mod catalogue;
mod cluster;
mod engine;
mod error;
mod folder;
mod guest;
mod hash;
mod law;
mod limits;
mod names;
mod placement;
mod probe;
mod runtime;
mod settings;
#[cfg(test)]
mod tests;
mod text;

pub use about::{Description, Setting, Traits};
pub use catalogue::{Catalogue, Entry, Listing, State};
pub use cluster::{Cluster, Goal, Holder, Move, Node, PlacedShard, ServerInfo};
pub use error::{CallError, LoadError};
pub use hash::HashPlugin;
pub use placement::PlacementPlugin;
pub use runtime::{Plugin, Runtime};
pub use settings::Settings;
