//! Which server a request goes to: the active hash function over rings of the servers that may
//! answer it.
//!
//! A shard's replicas in sync form their own ring, so that its reads spread over exactly those.
//! Rings are laid out beside the requests ([`maker`]) and published whole ([`rings`]); a request
//! takes what is published, without a lock, and does without where nothing is.

mod bounded;
mod maker;
mod rings;
mod shadow;

pub use maker::{LayoutError, Prepared, Published};
pub use rings::Ring;
pub use shadow::{Shadow, Share, Tally};

use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use arc_swap::ArcSwapOption;
use rand::RngExt;
use ringwright_plugin_runtime::HashPlugin;
use ringwright_replication::{Member, Routing, ShardView};
use ringwright_ring::Table;
use tracing::debug_span;

use crate::brain::{Active, Brain};
use bounded::Load;
use maker::Maker;
pub(crate) use maker::blocking;
use rings::Known;

/// Request ids as the paper's clients draw them.
pub(crate) const SIX_DIGITS: Range<u64> = 100_000..1_000_000;

/// Most sets of servers that may wait to be laid out. Beyond it they are forgotten: the next
/// request for one asks again.
const WAITING: usize = 256;

/// Draws request ids and finds their servers.
pub struct Router {
    maker: Arc<Maker>,
    /// Sets of servers to lay out; the thread that does ends with this.
    asks: SyncSender<Vec<Arc<Member>>>,
    shadow: ArcSwapOption<Shadow>,
    settings: Settings,
    brain: Arc<Brain>,
}

/// How requests are spread.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Slots of a ring.
    pub slots: u32,
    /// Virtual nodes of a server of weight 1.
    pub virtual_nodes: u32,
    /// ε: how far beyond its part of the requests under way a server may go before others get
    /// them; `None` where it may go as far as the ring says.
    pub bounded_load: Option<f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { slots: 512, virtual_nodes: 9, bounded_load: None }
    }
}

impl Router {
    /// A router by the active hash function.
    ///
    /// # Errors
    /// Where there can be no more threads: rings are laid out by one of their own.
    pub fn new(brain: Arc<Brain>, settings: Settings) -> io::Result<Self> {
        let Settings { slots, virtual_nodes, .. } = settings;
        let maker = Arc::new(Maker::new(brain.clone(), slots, virtual_nodes));
        let (asks, asked) = sync_channel(WAITING);
        let there = maker.clone();
        thread::Builder::new().name("rings".into()).spawn(move || lay_out_all(&there, &asked))?;
        Ok(Router { maker, asks, shadow: ArcSwapOption::empty(), settings, brain })
    }

    /// All the servers in the order they are to be asked for a request, each once.
    pub fn order(&self, request: u64, servers: &[Arc<Member>]) -> Vec<Arc<Member>> {
        if servers.len() < 2 {
            return servers.to_vec();
        }
        let mut sorted = sorted(servers);
        let rings = self.maker.current();
        let _asked = debug_span!("plugin", plugin = rings.hash.choice.name).entered();
        match rings.settled(&sorted) {
            // It is not asked any more; another takes its place in a moment.
            _ if rings.hash.faults.is_out() => {}
            Some(Known::Laid(ring)) => match rings.slot(request, self.maker.slots) {
                Ok(slot) => {
                    let walk = ring.table.walk(slot);
                    if let (Some(shadow), Some(&owner)) = (&*self.shadow.load(), walk.first()) {
                        shadow.see(request, &sorted, owner);
                    }
                    let walk = self.within_bounds(walk, &sorted).into_iter();
                    return walk.filter_map(|i| sorted.get(i)).cloned().collect();
                }
                Err(error) => {
                    self.brain.fault(&rings.hash, &error);
                }
            },
            Some(Known::Failed(_)) => {}
            None => self.ask(&sorted),
        }
        // Whatever a plugin does, requests go on: evenly, by the request's own number.
        let first = usize::try_from(request % sorted.len() as u64).unwrap_or(0);
        sorted.rotate_left(first);
        sorted
    }

    fn within_bounds(&self, walk: Vec<usize>, servers: &[Arc<Member>]) -> Vec<usize> {
        let Some(epsilon) = self.settings.bounded_load else { return walk };
        let load = |m: &Arc<Member>| Load {
            requests: m.in_flight() as u64,
            weight: m.attributes().weight,
        };
        let loads: Vec<Load> = servers.iter().map(load).collect();
        bounded::bound(walk, &loads, epsilon)
    }

    /// Has a ring of these servers laid out, unless there is one: before requests ask for it.
    pub fn expect(&self, servers: &[Arc<Member>]) {
        let sorted = sorted(servers);
        if self.maker.current().settled(&sorted).is_none() {
            self.ask(&sorted);
        }
    }

    /// The published ring of these servers; laid out first where there is none.
    ///
    /// # Errors
    /// Where the active hash function fails or cannot do it.
    pub async fn ring(&self, servers: &[Arc<Member>]) -> Result<Published, LayoutError> {
        let sorted = sorted(servers);
        if let Some(known) = self.maker.published(&sorted) {
            return known;
        }
        let maker = self.maker.clone();
        let hash = self.maker.current().hash.clone();
        blocking(&hash.choice.name, move || maker.ensure(&sorted)).await
    }

    /// The published ring of these servers, where there is one; nobody is asked for it.
    pub fn published(&self, servers: &[Arc<Member>]) -> Option<Arc<Ring>> {
        Some(self.maker.published(&sorted(servers))?.ok()?.ring)
    }

    /// Whether the active hash function can lay these servers out.
    ///
    /// # Errors
    /// Where it says that it cannot, or fails over it.
    pub async fn try_out(&self, servers: &[Arc<Member>]) -> Result<(), LayoutError> {
        let (maker, sorted) = (self.maker.clone(), sorted(servers));
        let hash = self.maker.current().hash.clone();
        let (name, tried) = (hash.choice.name.clone(), hash.clone());
        let told = blocking(&name, move || maker.lay_out(&tried, &sorted).map(drop)).await;
        told.inspect_err(|failed| {
            self.brain.fault(&hash, &failed.error);
        })
    }

    /// Lays out what requests will need first of a hash function that was admitted: the ring of
    /// the servers that live, and of those of each shard.
    ///
    /// # Errors
    /// Where it breaks its contract, or cannot lay out one of these.
    pub async fn prepare(
        &self,
        hash: Active<HashPlugin>,
        live: &[Arc<Member>],
        shards: &[Arc<Vec<Arc<Member>>>],
    ) -> Result<Prepared, LayoutError> {
        let live = sorted(live);
        let shards: Vec<Vec<Arc<Member>>> = shards.iter().map(|s| sorted(s)).collect();
        let (maker, name) = (self.maker.clone(), hash.choice.name.clone());
        blocking(&name, move || maker.prepare(hash, live, shards)).await
    }

    /// Makes a prepared hash function the one that requests go by: the next one does.
    pub fn adopt(&self, prepared: Prepared) -> Arc<Active<HashPlugin>> {
        self.maker.adopt(prepared)
    }

    /// The ring that a prepared function has of these servers, laid out where it has none.
    ///
    /// # Errors
    /// Where it fails or cannot do it.
    pub async fn ring_of(
        &self,
        prepared: &Prepared,
        servers: &[Arc<Member>],
    ) -> Result<Table, LayoutError> {
        let (maker, sorted, hash) = (self.maker.clone(), sorted(servers), prepared.hash());
        let name = hash.choice.name.clone();
        blocking(&name, move || maker.lay_out(&hash, &sorted)).await
    }

    /// Has a prepared function see every request from now on, which it does not route.
    ///
    /// # Errors
    /// Where there can be no more threads.
    pub fn start_shadow(&self, prepared: Prepared) -> io::Result<()> {
        let shadow = Shadow::start(prepared.hash(), self.maker.clone(), self.brain.clone())?;
        self.shadow.store(Some(Arc::new(shadow)));
        Ok(())
    }

    /// Ends what the last such function sees; answers which one that was.
    pub fn end_shadow(&self) -> Option<Arc<Shadow>> {
        self.shadow.swap(None)
    }

    /// The function in the shadow of the active one, where there is one.
    pub fn shadow(&self) -> Option<Arc<Shadow>> {
        self.shadow.load_full()
    }

    /// The hash function that requests go by, as another use of it: prepared and adopted, it takes
    /// the place of what was laid out by what was told about servers before.
    pub fn anew(&self) -> Active<HashPlugin> {
        Active::clone(&self.maker.current().hash)
    }

    /// Forgets all rings: they were laid out by what is no longer so.
    pub fn forget(&self) {
        self.maker.forget();
    }

    fn ask(&self, sorted: &[Arc<Member>]) {
        if let Err(error) = self.asks.try_send(sorted.to_vec()) {
            tracing::debug!(%error, "a ring will have to be asked for again");
        }
    }
}

impl Routing for Router {
    fn order(&self, shard: &ShardView) -> Vec<Arc<Member>> {
        Router::order(self, rand::rng().random_range(SIX_DIGITS), &shard.in_sync)
    }
}

/// By number: so plugins are shown them, and a set has one ring whatever order it is told in.
fn sorted(servers: &[Arc<Member>]) -> Vec<Arc<Member>> {
    let mut sorted = servers.to_vec();
    sorted.sort_by_key(|m| m.id);
    sorted
}

fn lay_out_all(maker: &Maker, asks: &Receiver<Vec<Arc<Member>>>) {
    while let Ok(set) = asks.recv() {
        // A failure is logged and remembered where it happens.
        if catch_unwind(AssertUnwindSafe(|| drop(maker.ensure(&set)))).is_err() {
            tracing::error!(servers = set.len(), "laying out a ring panicked");
        }
    }
}

#[cfg(test)]
mod tests;
