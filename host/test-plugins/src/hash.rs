//! Hash plugins.

use crate::VERSION;
use crate::component::{Parts, component};

/// An `arrange` whose ring has one point, of the first server.
pub const POINTS_TO_FIRST: &str = "(i32.store (i32.const 264) (i32.const 300))
    (i32.store (i32.const 268) (i32.ne (local.get 1) (i32.const 0)))
    (i32.const 256)";

/// An `arrange` whose ring has one point, of the last server.
pub const POINTS_TO_LAST: &str = "(i32.store (i32.const 264) (i32.const 300))
    (i32.store (i32.const 268) (i32.ne (local.get 1) (i32.const 0)))
    (i32.store (i32.const 304) (i32.sub (local.get 1) (i32.const 1)))
    (i32.const 256)";

/// What `slot` answers, of each.
const EACH: &str = "(local $i i32)
    (loop $next (if (i32.lt_u (local.get $i) (local.get 1)) (then
        (i32.store (i32.add (i32.const 0x100000) (i32.shl (local.get $i) (i32.const 2)))
            (call $slot
                (i64.load (i32.add (local.get 0) (i32.shl (local.get $i) (i32.const 3))))
                (local.get 2)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next))))
    (i32.store (i32.const 256) (i32.const 0x100000))
    (i32.store (i32.const 260) (local.get 1))
    (i32.const 256)";

/// The bodies of a hash plugin's functions, as WebAssembly text. The defaults behave.
pub struct HashBodies {
    /// (request i64, slots i32) -> i32. There is a global `$calls` to use.
    pub slot: &'static str,
    /// (list i32, length i32, slots i32) -> i32, where its answer's address and length are.
    pub slots: &'static str,
    /// (servers i32, length i32, virtual nodes i32, slots i32, settings i32, length i32) -> i32,
    /// where its answer is.
    pub arrange: &'static str,
    /// () -> i32, where its answer is.
    pub declare: &'static str,
    /// () -> nothing; runs when an instance starts.
    pub start: &'static str,
    /// () -> i32, where its description is.
    pub describe: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Of the WIT package it was built for.
    pub version: &'static str,
    /// Packages in WIT, to import from.
    pub packages: &'static str,
    /// What it imports, in WIT.
    pub imports: &'static str,
    /// What it imports, in WebAssembly text.
    pub linked: &'static str,
}

impl Default for HashBodies {
    fn default() -> Self {
        HashBodies {
            slot: "(i32.rem_u (i32.const 3) (local.get 1))",
            slots: EACH,
            arrange: POINTS_TO_FIRST,
            declare: "(i32.const 512)", // where all is zero
            start: "",
            describe: "(i32.const 0)",
            name: "hostile",
            version: VERSION,
            packages: "",
            imports: "",
            linked: "",
        }
    }
}

impl HashBodies {
    /// The component's bytes.
    pub fn component(&self) -> Vec<u8> {
        let HashBodies { slot, slots, arrange, declare, start, version, .. } = self;
        let functions = format!(
            r#"(func $start {start})
            (start $start)
            (func $slot (export "ringwright:plugin/hash@{version}#slot")
                (param i64 i32) (result i32) {slot})
            (func $slots (param i32 i32 i32) (result i32) {slots})
            (func (export "ringwright:plugin/hash@{version}#slots")
                (param i32 i32 i32) (result i32)
                (call $handed_over)
                (call $slots (local.get 0) (local.get 1) (local.get 2)))
            (func $arrange (param i32 i32 i32 i32 i32 i32) (result i32) {arrange})
            (func (export "ringwright:plugin/hash@{version}#arrange")
                (param i32 i32 i32 i32 i32 i32) (result i32)
                (call $handed_over)
                (call $arrange (local.get 0) (local.get 1) (local.get 2) (local.get 3)
                    (local.get 4) (local.get 5)))
            (func (export "ringwright:plugin/hash@{version}#declare") (result i32) {declare})"#
        );
        component(&Parts {
            interface: "hash",
            version,
            name: self.name,
            describe: self.describe,
            packages: self.packages,
            imports: self.imports,
            linked: self.linked,
            functions: &functions,
        })
    }
}
