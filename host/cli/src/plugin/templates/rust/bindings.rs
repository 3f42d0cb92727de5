//! What the files in `wit/` say, as Rust.

wit_bindgen::generate!({ path: "wit", world: "{{kind}}-plugin" });

pub use exports::ringwright::plugin::{{kind}}::*;

// Only WebAssembly has exports of such names.
#[cfg(target_arch = "wasm32")]
use super::Plugin;
#[cfg(target_arch = "wasm32")]
export!(Plugin with_types_in self);
