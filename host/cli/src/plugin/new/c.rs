//! What C programs need of the interface: a header, the glue behind it, and an object file that
//! carries the WIT.
//!
//! They are made here, by the library behind `wit-bindgen c`, so that nobody has to build that
//! program before the first line of a plugin.

use anyhow::{Context, Result};
use wit_parser::Resolve;

use super::templates::WIT;
use super::{File, Kind};

/// The files, for the folder `bindings`.
pub(super) fn bindings(kind: Kind) -> Result<Vec<File>> {
    generate(&format!("{}-plugin", kind.name())).context("the bindings for C cannot be made")
}

fn generate(world: &str) -> Result<Vec<File>> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("plugin.wit", &WIT.map(|(_, text)| text).concat())?;
    let world = resolve.select_world(&[package], Some(world))?;
    let mut files = Default::default();
    wit_bindgen_c::Opts::default().build().generate(&mut resolve, world, &mut files)?;
    Ok(files.iter().map(|(name, text)| (format!("bindings/{name}"), text.to_vec())).collect())
}
