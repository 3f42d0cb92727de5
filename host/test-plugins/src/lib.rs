//! Plugins to test hosts with: those of `plugins/dist`, and tiny ones of WebAssembly text.
#![allow(clippy::unwrap_used, clippy::panic)] // a fixture fails by panicking

mod component;
mod hash;
mod hostile;
mod policy;

pub use hash::{HashBodies, POINTS_TO_FIRST, POINTS_TO_LAST};
pub use hostile::{Fate, Hostile, corpus};
pub use policy::policy;

use std::path::{Path, PathBuf};

/// The version of the WIT package.
pub const VERSION: &str = "0.1.0";

/// A hash plugin and a placement plugin as they were built for version 0.1.0 of the interface.
pub fn built_for_0_1_0() -> [Vec<u8>; 2] {
    [include_str!("../fixtures/hash-0.1.0.wat"), include_str!("../fixtures/placement-0.1.0.wat")]
        .map(|text| wat::parse_str(text).unwrap())
}

/// The folder of the built plugins.
pub fn dist() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/dist")
}

/// A built plugin's bytes.
///
/// # Panics
/// Where it was not built.
pub fn built(name: &str) -> Vec<u8> {
    let file = dist().join(format!("{name}.wasm"));
    std::fs::read(&file).unwrap_or_else(|e| {
        panic!("{}: {e}; build the plugins first: plugins/build.sh", file.display())
    })
}
