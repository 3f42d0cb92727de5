//! Copies under way, and how far they are.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;

use crate::metrics::Copied;

/// A copy to a replica that is out of sync, under way as long as this is held.
pub struct CopyProgress {
    /// The shard.
    pub shard: String,
    /// The server that gets it.
    pub server: String,
    rows: AtomicU64,
    expected: OnceLock<u64>,
    done: AtomicBool,
    counted: Copied,
}

/// The copies of a cluster.
pub(crate) struct Copies {
    begun: Mutex<Vec<Weak<CopyProgress>>>,
    counted: Copied,
}

impl Copies {
    pub(crate) fn new(counted: Copied) -> Self {
        Copies { begun: Mutex::default(), counted }
    }

    pub(crate) fn begin(&self, shard: &str, server: &str) -> Arc<CopyProgress> {
        let copy = Arc::new(CopyProgress {
            shard: shard.to_owned(),
            server: server.to_owned(),
            rows: AtomicU64::new(0),
            expected: OnceLock::new(),
            done: AtomicBool::new(false),
            counted: self.counted.clone(),
        });
        let mut begun = self.begun.lock();
        begun.retain(|copy| copy.strong_count() > 0);
        begun.push(Arc::downgrade(&copy));
        copy
    }

    pub(crate) fn under_way(&self) -> Vec<Arc<CopyProgress>> {
        self.begun.lock().iter().filter_map(Weak::upgrade).collect()
    }
}

impl CopyProgress {
    /// Row versions that were sent so far.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Rows that lived in the shard when a full copy of it began; `None` where that is not known,
    /// or only what the replica missed is copied.
    pub fn expected(&self) -> Option<u64> {
        self.expected.get().copied()
    }

    pub(crate) fn expect(&self, rows: u64) {
        let _ = self.expected.set(rows); // the first answer stands
    }

    pub(crate) fn sent(&self, versions: usize) {
        self.rows.fetch_add(versions as u64, Ordering::Relaxed);
        self.counted.rows.inc_by(versions as u64);
    }

    pub(crate) fn done(&self) {
        self.done.store(true, Ordering::Relaxed);
    }
}

impl Drop for CopyProgress {
    fn drop(&mut self) {
        let done = self.done.load(Ordering::Relaxed);
        if done { &self.counted.done } else { &self.counted.failed }.inc();
    }
}
