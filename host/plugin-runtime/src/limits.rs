//! What an instance may allocate.

use wasmtime::{ResourceLimiter, Result};

/// Table elements of all tables together: some hundred times what a plugin has.
const TABLE_ELEMENTS: usize = 100_000;

/// A component's core instances, tables and memories. One that brings a language runtime along
/// has a dozen.
const PARTS: usize = 64;

/// Told apart from a trap by its type: a guest that may grow no more is stopped with it.
#[derive(Debug, thiserror::Error)]
#[error("out of memory")]
pub(crate) struct OutOfMemory;

/// What is left of an instance's memory and tables.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    memory_bytes: usize,
    table_elements: usize,
}

impl Limits {
    pub(crate) fn new(memory_bytes: usize) -> Self {
        Limits { memory_bytes, table_elements: TABLE_ELEMENTS }
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        take(&mut self.memory_bytes, desired.saturating_sub(current))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        take(&mut self.table_elements, desired.saturating_sub(current))
    }

    fn instances(&self) -> usize {
        PARTS
    }

    fn tables(&self) -> usize {
        PARTS
    }

    fn memories(&self) -> usize {
        PARTS
    }
}

fn take(left: &mut usize, more: usize) -> Result<bool> {
    *left = left.checked_sub(more).ok_or(OutOfMemory)?;
    Ok(true)
}
