//! Laying rings out, and publishing them.
//!
//! All that calls a plugin for a layout is here. It takes its time: no thread that serves
//! requests comes here, and no lock is held meanwhile that one would wait for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;
use ringwright_model::Choice;
use ringwright_plugin_runtime::{CallError, HashPlugin, ServerInfo};
use ringwright_replication::Member;
use ringwright_ring::Table;

use super::rings::{Known, Ring, Rings};
use crate::brain::{Active, Brain};
use crate::shown;

pub(super) struct Maker {
    pub(super) slots: u32,
    virtual_nodes: u32,
    brain: Arc<Brain>,
    /// How often all rings were forgotten.
    forgotten: AtomicU64,
    rings: ArcSwap<Rings>,
    /// Held by whoever replaces what is published, and while nothing else is done.
    publishing: Mutex<()>,
}

/// A hash function that has been tried, with its first rings.
pub struct Prepared {
    rings: Rings,
}

impl Prepared {
    /// What was chosen.
    pub fn choice(&self) -> &Choice {
        &self.rings.hash.choice
    }

    /// The hash function.
    pub fn hash(&self) -> Arc<Active<HashPlugin>> {
        self.rings.hash.clone()
    }
}

/// A ring that requests go by, and whose it is.
#[derive(Clone)]
pub struct Published {
    /// The hash function.
    pub hash: Arc<Active<HashPlugin>>,
    /// The ring.
    pub ring: Arc<Ring>,
}

/// Why servers could not be laid out.
#[derive(Clone, Debug, thiserror::Error)]
#[error("hash plugin '{plugin}': {error}")]
pub struct LayoutError {
    /// The plugin's name.
    pub plugin: String,
    /// What it did.
    pub error: CallError,
}

impl Maker {
    pub(super) fn new(brain: Arc<Brain>, slots: u32, virtual_nodes: u32) -> Self {
        let rings = ArcSwap::from_pointee(Rings::new(brain.hash()));
        let forgotten = AtomicU64::new(0);
        Maker { slots, virtual_nodes, brain, forgotten, rings, publishing: Mutex::new(()) }
    }

    /// What is published.
    pub(super) fn current(&self) -> Guard<Arc<Rings>> {
        self.rings.load()
    }

    /// Counts how often what servers are laid out for has changed.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::Relaxed)
    }

    /// What is published of these servers; `None` where they are to be laid out first.
    pub(super) fn published(
        &self,
        sorted: &[Arc<Member>],
    ) -> Option<Result<Published, LayoutError>> {
        let rings = self.current();
        match rings.settled(sorted)? {
            Known::Laid(ring) => {
                Some(Ok(Published { hash: rings.hash.clone(), ring: ring.clone() }))
            }
            Known::Failed(failure) => Some(Err(failed(&rings.hash, failure.error.clone()))),
        }
    }

    /// Sees to it that these servers have a ring.
    pub(super) fn ensure(&self, sorted: &[Arc<Member>]) -> Result<Published, LayoutError> {
        loop {
            if let Some(known) = self.published(sorted) {
                return known;
            }
            let hash = self.current().hash.clone();
            let laid = self.table(&hash, sorted);
            if let Err(error) = &laid {
                let (plugin, servers) = (&hash.choice.name, sorted.len());
                tracing::error!(plugin, servers, %error, "no ring could be laid out");
                self.blame(&hash, sorted, error);
            }
            let error = laid.as_ref().err().cloned();
            match (self.publish(&hash, sorted, laid), error) {
                (true, Some(error)) => return Err(failed(&hash, error)),
                (true, None) => {}
                (false, _) => tracing::debug!("the ring of a function that was swapped out"),
            }
        }
    }

    /// Notes that a function could not lay out servers that requests want a ring of. It is pure,
    /// so it never will; only what took too long may be the machine's fault, the first time.
    fn blame(&self, hash: &Active<HashPlugin>, sorted: &[Arc<Member>], error: &CallError) {
        let failed_before = matches!(self.current().find(sorted), Some(Known::Failed(_)));
        let may_pass = *error == CallError::TimedOut && !failed_before;
        if error.is_fault() && !may_pass {
            self.brain.condemn(hash, error);
        } else {
            self.brain.fault(hash, error);
        }
    }

    /// Publishes what came of laying these servers out; says whether the function is still the
    /// one that requests go by. Otherwise it is of no use.
    pub(super) fn publish(
        &self,
        hash: &Arc<Active<HashPlugin>>,
        sorted: &[Arc<Member>],
        laid: Result<Table, CallError>,
    ) -> bool {
        let _one = self.publishing.lock();
        let rings = self.rings.load();
        let current = Arc::ptr_eq(&rings.hash, hash);
        if current {
            self.rings.store(Arc::new(rings.with(sorted, laid)));
        }
        current
    }

    /// Lays servers out, for nobody yet.
    pub(super) fn lay_out(
        &self,
        hash: &Active<HashPlugin>,
        sorted: &[Arc<Member>],
    ) -> Result<Table, LayoutError> {
        self.table(hash, sorted).map_err(|error| failed(hash, error))
    }

    /// Lays out what requests need first of a hash function that was admitted. The others show
    /// that it can do with any set.
    pub(super) fn prepare(
        &self,
        hash: Active<HashPlugin>,
        mut live: Vec<Arc<Member>>,
        shards: Vec<Vec<Arc<Member>>>,
    ) -> Result<Prepared, LayoutError> {
        if live.is_empty() {
            // A cluster without servers would find out with the first.
            live.push(Member::new(1, "Server1"));
        }
        let some = [0, 1, 2].into_iter().filter_map(|n| live.get(..n)).map(<[_]>::to_vec);
        let mut rings = Rings::new(Arc::new(hash));
        for set in some.chain([live.clone()]).chain(shards) {
            if rings.find(&set).is_none() {
                let table = self.lay_out(&rings.hash, &set)?;
                rings = rings.with(&set, Ok(table));
            }
        }
        Ok(Prepared { rings })
    }

    /// Publishes a prepared function's rings in place of all there are.
    pub(super) fn adopt(&self, prepared: Prepared) -> Arc<Active<HashPlugin>> {
        let hash = prepared.rings.hash.clone();
        let _one = self.publishing.lock();
        self.forgotten.fetch_add(1, Ordering::Relaxed);
        self.rings.store(Arc::new(prepared.rings));
        hash
    }

    /// Drops all rings: what they were laid out for has changed. Those that are being laid out
    /// are of no use either, as after a swap.
    pub(super) fn forget(&self) {
        let _one = self.publishing.lock();
        let hash = Active::clone(&self.rings.load().hash);
        self.forgotten.fetch_add(1, Ordering::Relaxed);
        self.rings.store(Arc::new(Rings::new(Arc::new(hash))));
    }

    pub(super) fn table(
        &self,
        hash: &Active<HashPlugin>,
        sorted: &[Arc<Member>],
    ) -> Result<Table, CallError> {
        let servers: Vec<ServerInfo> = sorted.iter().map(|m| shown::server(m)).collect();
        hash.calls.arranged(|| hash.plugin.table(&servers, self.virtual_nodes, self.slots))
    }
}

/// Runs what may call a plugin where it holds up no request.
pub(crate) async fn blocking<T: Send + 'static>(
    plugin: &str,
    work: impl FnOnce() -> Result<T, LayoutError> + Send + 'static,
) -> Result<T, LayoutError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| {
        let error = CallError::Trap(format!("the host failed over it: {e}"));
        Err(LayoutError { plugin: plugin.to_owned(), error })
    })
}

fn failed(hash: &Active<HashPlugin>, error: CallError) -> LayoutError {
    LayoutError { plugin: hash.choice.name.clone(), error }
}
