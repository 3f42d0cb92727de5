//! One turn at a time with each server: whoever starts, finds or ends one of a name has it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

/// The turns of all names.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits for a turn, which lasts until the guard is dropped.
    pub(crate) async fn take(&self, name: &str) -> OwnedMutexGuard<()> {
        let turn = self.0.lock().entry(name.to_owned()).or_default().clone();
        turn.lock_owned().await
    }
}
