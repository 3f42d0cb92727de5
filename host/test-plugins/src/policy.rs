//! Placement plugins.

use crate::VERSION;
use crate::component::{Parts, component};

/// A placement plugin whose plan is what the body leaves in memory.
pub fn policy(plan: &str) -> Vec<u8> {
    named("hostile", plan)
}

/// The same, of that name.
pub(crate) fn named(name: &str, plan: &str) -> Vec<u8> {
    let functions = format!(
        r#"(func $plan (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) {plan})
        (func (export "ringwright:plugin/placement@{VERSION}#plan")
            (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
            (call $handed_over)
            (call $plan (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)
                (local.get 5) (local.get 6) (local.get 7) (local.get 8)))"#
    );
    component(&Parts {
        interface: "placement",
        version: VERSION,
        name,
        describe: "(i32.const 0)",
        packages: "",
        imports: "",
        linked: "",
        functions: &functions,
    })
}
