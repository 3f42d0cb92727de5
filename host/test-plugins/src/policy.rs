//! Placement plugins.

use crate::VERSION;
use crate::component::component;

/// A placement plugin whose plan is what the body leaves in memory.
pub fn policy(plan: &str) -> Vec<u8> {
    let functions = format!(
        r#"(func (export "ringwright:plugin/placement@{VERSION}#plan")
            (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) {plan})"#
    );
    component("placement", VERSION, "hostile", &functions)
}
