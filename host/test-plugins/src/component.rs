//! A component around some functions.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::VERSION;

/// What a component is made of.
pub(crate) struct Parts<'a> {
    /// The interface it exports.
    pub(crate) interface: &'a str,
    /// Of the WIT package.
    pub(crate) version: &'a str,
    /// What it is called by; what it says of itself otherwise is that too.
    pub(crate) name: &'a str,
    /// () -> i32, where its description is.
    pub(crate) describe: &'a str,
    /// Packages in WIT, and what it imports of them.
    pub(crate) packages: &'a str,
    pub(crate) imports: &'a str,
    /// The same as imports of the core module.
    pub(crate) linked: &'a str,
    /// Its other functions.
    pub(crate) functions: &'a str,
}

/// A component that describes itself by its name alone.
///
/// Its memory is 2 MiB: from 0 the description, four times address and length of the name at
/// 1024, and no settings; from 2048 what the host hands over, afresh for each call. 256 to 1023,
/// and the second half, are for the functions, and so is all from 40960 on where the host hands
/// over little.
pub(crate) fn component(parts: &Parts) -> Vec<u8> {
    let Parts { interface, version, name, describe, linked, functions, .. } = parts;
    // An escape is three characters and one byte.
    let length = name.len() - 2 * name.matches('\\').count();
    let text = format!(r"\00\04\00\00\{length:02x}\00\00\00").repeat(4);
    let module = format!(
        r#"(module
            {linked}
            (memory (export "memory") 32)
            (data (i32.const 0) "{text}")
            (data (i32.const 1024) "{name}")
            (global $calls (mut i32) (i32.const 0))
            (global $heap (mut i32) (i32.const 2048))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (local $at i32)
                (local.set $at (i32.and
                    (i32.add (global.get $heap) (i32.sub (local.get 2) (i32.const 1)))
                    (i32.sub (i32.const 0) (local.get 2))))
                (global.set $heap (i32.add (local.get $at) (local.get 3)))
                (local.get $at))
            (func $handed_over (global.set $heap (i32.const 2048)))
            (func (export "ringwright:plugin/{interface}@{version}#describe") (result i32)
                {describe})
            {functions})"#
    );
    let mut module = wat::parse_str(module).unwrap();
    let mut resolve = Resolve::default();
    let package = resolve.push_str("wit", &package(parts)).unwrap();
    let world = resolve.select_world(&[package], Some("tested")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

/// The WIT package as one text, under another version and with a world more.
fn package(parts: &Parts) -> String {
    let Parts { interface, version, packages, imports, .. } = parts;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let file = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let text: String = ["types.wit", "hash.wit", "placement.wit"].map(file).concat();
    let text = text.replace(&format!("@{VERSION};"), &format!("@{version};"));
    format!("{text}\nworld tested {{ {imports} export {interface}; }}\n{packages}")
}
