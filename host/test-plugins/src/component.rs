//! A component around some functions.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::VERSION;

/// A component of a world around some functions, which describes itself by its name alone.
///
/// Its memory: from 0 the description, four times address and length of the name at 1024, and no
/// settings; from 2048 what the host hands over. 256 to 1023, and all from 40960 on, are for the
/// functions.
pub(crate) fn component(world: &str, version: &str, name: &str, functions: &str) -> Vec<u8> {
    let text = r"\00\04\00\00\07\00\00\00".repeat(4);
    let module = format!(
        r#"(module
            (memory (export "memory") 1)
            (data (i32.const 0) "{text}")
            (data (i32.const 1024) "{name}")
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (i32.const 2048))
            (func (export "ringwright:plugin/{world}@{version}#describe") (result i32)
                (i32.const 0))
            {functions})"#
    );
    let mut module = wat::parse_str(module).unwrap();
    let mut resolve = Resolve::default();
    let package = resolve.push_str("wit", &package(version)).unwrap();
    let world = resolve.select_world(&[package], Some(&format!("{world}-plugin"))).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

/// The WIT package as one text, under another version.
fn package(version: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let file = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let text: String = ["types.wit", "hash.wit", "placement.wit"].map(file).concat();
    text.replace(&format!("@{VERSION};"), &format!("@{version};"))
}
