//! Runs plugins: hash functions and placement policies that are WebAssembly components.
//!
//! A plugin gets nothing from the host but its arguments: no files, no clock, no network. Each
//! call has a deadline, a memory limit and a bound on what it may answer; whatever a plugin
//! does, the caller gets an answer that has been checked, or a typed error, and soon. Before it
//! is used at all it is tried, and a report tells what it does, how well, and what it takes.

mod about;
mod admission;
mod api;
mod bindings;
mod cache;
mod catalogue;
mod cluster;
mod engine;
mod entry;
mod error;
mod folder;
mod grants;
mod guest;
mod hash;
mod law;
mod limits;
mod names;
mod placement;
mod runtime;
mod settings;
mod stand_ins;
#[cfg(test)]
mod tests;
mod text;

pub use about::{Description, Setting, Traits};
pub use admission::{Check, Cost, Measure, Report};
pub use catalogue::{Catalogue, Listing};
pub use cluster::{Cluster, Goal, Holder, Move, Node, PlacedShard, ServerInfo};
pub use entry::{Entry, State};
pub use error::{CallError, LoadError, SettingError};
pub use grants::Grant;
pub use hash::HashPlugin;
pub use placement::PlacementPlugin;
pub use runtime::{Plugin, Runtime};
pub use settings::Settings;
