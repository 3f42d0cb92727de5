//! One turn at a time for each idempotency key.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

/// Locks by name; a name nobody holds or waits for costs nothing.
#[derive(Default)]
pub(crate) struct Keyed(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

/// A turn with a key.
pub(crate) struct Turn<'a> {
    keyed: &'a Keyed,
    key: String,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Keyed {
    pub(crate) async fn lock(&self, key: &str) -> Turn<'_> {
        let lock = self.0.lock().entry(key.to_owned()).or_default().clone();
        Turn { keyed: self, key: key.to_owned(), guard: Some(lock.lock_owned().await) }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.guard = None;
        let mut locks = self.keyed.0.lock();
        if locks.get(&self.key).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            locks.remove(&self.key);
        }
    }
}
