//! Plugins to test with: those of `plugins/dist`, and tiny ones of WebAssembly text.

use std::path::{Path, PathBuf};
use std::time::Duration;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::{HashPlugin, LoadError, PlacementPlugin, Plugin, Runtime, ServerInfo, Settings};

/// Small limits, so that faults come soon.
pub(crate) fn settings() -> Settings {
    Settings {
        memory_bytes: 4 << 20,
        answer_bytes: 1 << 20,
        work_deadline: Duration::from_millis(200),
        ..Settings::default()
    }
}

pub(crate) fn runtime() -> Runtime {
    Runtime::new(settings()).unwrap()
}

/// The folder of the built plugins.
pub(crate) fn dist() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/dist")
}

/// A built plugin's bytes.
pub(crate) fn built(name: &str) -> Vec<u8> {
    let file = dist().join(format!("{name}.wasm"));
    std::fs::read(&file).unwrap_or_else(|e| {
        panic!("{}: {e}; build the plugins first: plugins/build.sh", file.display())
    })
}

pub(crate) fn hash(loaded: Result<Plugin, LoadError>) -> HashPlugin {
    match loaded.unwrap() {
        Plugin::Hash(plugin) => plugin,
        Plugin::Placement(_) => panic!("a placement policy"),
    }
}

pub(crate) fn placement(loaded: Result<Plugin, LoadError>) -> PlacementPlugin {
    match loaded.unwrap() {
        Plugin::Placement(plugin) => plugin,
        Plugin::Hash(_) => panic!("a hash function"),
    }
}

pub(crate) fn servers(count: u32) -> Vec<ServerInfo> {
    (1..=count).map(|id| ServerInfo::new(id, &format!("Server{id}"))).collect()
}

/// The bodies of a hash plugin's functions, as WebAssembly text. The defaults behave.
pub(crate) struct HashBodies {
    /// (request i64, slots i32) -> i32. There is a global `$calls` to use.
    pub(crate) slot: &'static str,
    /// (list i32, length i32, slots i32) -> i32, where its answer's address and length are.
    pub(crate) slots: &'static str,
    /// (list i32, length i32, replicas i32, slots i32) -> i32, where its answer is.
    pub(crate) arrange: &'static str,
    /// Its name, of seven bytes.
    pub(crate) name: &'static str,
}

impl Default for HashBodies {
    fn default() -> Self {
        HashBodies {
            slot: "(i32.const 3)",
            slots: "(unreachable)",
            arrange: "(unreachable)",
            name: "hostile",
        }
    }
}

impl HashBodies {
    pub(crate) fn component(&self) -> Vec<u8> {
        let HashBodies { slot, slots, arrange, name } = self;
        let functions = format!(
            r#"(global $calls (mut i32) (i32.const 0))
            (func $slot (export "ringwright:plugin/hash@0.1.0#slot")
                (param i64 i32) (result i32) {slot})
            (func (export "ringwright:plugin/hash@0.1.0#slots")
                (param i32 i32 i32) (result i32) {slots})
            (func (export "ringwright:plugin/hash@0.1.0#arrange")
                (param i32 i32 i32 i32) (result i32) {arrange})"#
        );
        component("hash", name, &functions)
    }
}

/// A placement plugin whose plan is what the body leaves in memory.
pub(crate) fn policy(plan: &str) -> Vec<u8> {
    let functions = format!(
        r#"(func (export "ringwright:plugin/placement@0.1.0#plan")
            (param i32 i32 i32 i32 i32 i32 i32) (result i32) {plan})"#
    );
    component("placement", "hostile", &functions)
}

/// A component of a world around some functions, which describes itself by its name alone.
///
/// Its memory: from 0 the description, four times address and length of the name at 1024;
/// from 2048 what the host hands over. 256 to 1023 are for the functions.
fn component(world: &str, name: &str, functions: &str) -> Vec<u8> {
    let text = r"\00\04\00\00\07\00\00\00".repeat(4);
    let module = format!(
        r#"(module
            (memory (export "memory") 1)
            (data (i32.const 0) "{text}")
            (data (i32.const 1024) "{name}")
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (i32.const 2048))
            (func (export "ringwright:plugin/{world}@0.1.0#describe") (result i32)
                (i32.const 0))
            {functions})"#
    );
    let mut module = wat::parse_str(module).unwrap();
    let mut resolve = Resolve::default();
    let (package, _) =
        resolve.push_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")).unwrap();
    let world = resolve.select_world(&[package], Some(&format!("{world}-plugin"))).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}
