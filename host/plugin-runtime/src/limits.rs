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
pub(crate) struct OutOfMemory {
    pub(crate) wanted: usize,
    pub(crate) granted: usize,
}

/// How an instance's tables are stopped.
#[derive(Debug, thiserror::Error)]
#[error("its tables grew beyond {TABLE_ELEMENTS} elements")]
struct TablesTooLarge;

/// What an instance has of what it may have.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    granted: usize,
    memory_bytes: usize,
    table_elements: usize,
}

impl Limits {
    pub(crate) fn new(granted: usize) -> Self {
        Limits { granted, memory_bytes: 0, table_elements: 0 }
    }

    /// The bytes of all its memories together.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        if is_beyond(desired, maximum) {
            return Ok(false);
        }
        let granted = self.granted;
        let wanted = self.memory_bytes.saturating_add(desired.saturating_sub(current));
        if wanted > granted {
            return Err(OutOfMemory { wanted, granted }.into());
        }
        self.memory_bytes = wanted;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        if is_beyond(desired, maximum) {
            return Ok(false);
        }
        self.table_elements = self.table_elements.saturating_add(desired.saturating_sub(current));
        if self.table_elements > TABLE_ELEMENTS {
            return Err(TablesTooLarge.into());
        }
        Ok(true)
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

/// Whether it is more than the memory or table may ever have, by its own account: it does not grow
/// then, and nothing is to be counted.
fn is_beyond(desired: usize, maximum: Option<usize>) -> bool {
    maximum.is_some_and(|most| desired > most)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn what_does_not_grow_is_not_counted() {
        let mut limits = Limits::new(100);
        assert!(limits.memory_growing(0, 60, Some(60)).unwrap());
        assert!(!limits.memory_growing(60, 90, Some(60)).unwrap());
        assert!(!limits.memory_growing(60, 1000, Some(60)).unwrap(), "and it is not stopped");
        assert_eq!(limits.memory_bytes(), 60);
        assert!(!limits.table_growing(0, TABLE_ELEMENTS + 1, Some(1)).unwrap());
        assert!(limits.table_growing(0, TABLE_ELEMENTS, None).unwrap());
        assert!(limits.memory_growing(60, 101, None).is_err());
    }
}
