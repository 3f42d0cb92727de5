//! Plugins to test hosts with: those of `plugins/dist`, and tiny ones of WebAssembly text.
#![allow(clippy::unwrap_used, clippy::panic)] // a fixture fails by panicking

mod component;
mod hash;
mod policy;

pub use hash::{HashBodies, POINTS_TO_FIRST, POINTS_TO_LAST};
pub use policy::policy;

use std::path::{Path, PathBuf};

/// The version of the WIT package.
pub const VERSION: &str = "0.1.0";

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
