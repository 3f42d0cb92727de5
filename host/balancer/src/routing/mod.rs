//! Which server a request goes to: the active hash function over rings of the servers that may
//! answer it.
//!
//! A shard's replicas in sync form their own ring, so that its reads spread over exactly those.
//! Rings are laid out beside the requests ([`maker`]) and published whole ([`rings`]); a request
//! takes what is published, without a lock, and does without where nothing is.

mod maker;
mod rings;

pub use maker::{LayoutError, Prepared, Published};
pub use rings::Ring;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rand::RngExt;
use ringwright_plugin_runtime::HashPlugin;
use ringwright_replication::{Member, Routing, ShardView};

use crate::brain::{Active, Brain};
use maker::{Maker, blocking};
use rings::Known;

/// Most sets of servers that may wait to be laid out. Beyond it they are forgotten: the next
/// request for one asks again.
const WAITING: usize = 256;

/// Draws request ids and finds their servers.
pub struct Router {
    maker: Arc<Maker>,
    /// Sets of servers to lay out; the thread that does ends with this.
    asks: SyncSender<Vec<Arc<Member>>>,
}

impl Router {
    /// A router over rings of so many slots, with so many virtual nodes a server.
    ///
    /// # Errors
    /// Where there can be no more threads: rings are laid out by one of their own.
    pub fn new(brain: Arc<Brain>, slots: u32, virtual_nodes: u32) -> io::Result<Self> {
        let maker = Arc::new(Maker::new(brain.hash(), slots, virtual_nodes));
        let (asks, asked) = sync_channel(WAITING);
        let there = maker.clone();
        thread::Builder::new().name("rings".into()).spawn(move || lay_out_all(&there, &asked))?;
        Ok(Router { maker, asks })
    }

    /// A request id as the paper's clients draw them: six digits.
    pub fn draw(&self) -> u64 {
        rand::rng().random_range(100_000..=999_999)
    }

    /// All the servers in the order they are to be asked for a request, each once.
    pub fn order(&self, request: u64, servers: &[Arc<Member>]) -> Vec<Arc<Member>> {
        if servers.len() < 2 {
            return servers.to_vec();
        }
        let mut sorted = sorted(servers);
        let rings = self.maker.current();
        match rings.find(&sorted) {
            Some(Known::Laid(ring)) => match rings.hash.plugin.slot(request, self.maker.slots) {
                Ok(slot) => {
                    let walk = ring.table.walk(slot).into_iter();
                    return walk.filter_map(|i| sorted.get(i)).cloned().collect();
                }
                Err(error) => {
                    let plugin = &rings.hash.name;
                    tracing::warn!(plugin, %error, "a slot could not be computed");
                }
            },
            Some(Known::Failed(failure)) if !failure.is_due() => {}
            Some(Known::Failed(_)) | None => self.ask(&sorted),
        }
        // Whatever a plugin does, requests go on: evenly, by the request's own number.
        let first = usize::try_from(request % sorted.len() as u64).unwrap_or(0);
        sorted.rotate_left(first);
        sorted
    }

    /// Has a ring of these servers laid out, unless there is one: before requests ask for it.
    pub fn expect(&self, servers: &[Arc<Member>]) {
        let sorted = sorted(servers);
        match self.maker.current().find(&sorted) {
            Some(Known::Laid(_)) => {}
            Some(Known::Failed(failure)) if !failure.is_due() => {}
            Some(Known::Failed(_)) | None => self.ask(&sorted),
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
        blocking(&hash.name, move || maker.ensure(&sorted)).await
    }

    /// Whether the active hash function can lay these servers out.
    ///
    /// # Errors
    /// Where it can not.
    pub async fn try_out(&self, servers: &[Arc<Member>]) -> Result<(), LayoutError> {
        let (maker, sorted) = (self.maker.clone(), sorted(servers));
        let hash = self.maker.current().hash.clone();
        let name = hash.name.clone();
        blocking(&name, move || maker.lay_out(&hash, &sorted).map(drop)).await
    }

    /// Tries a hash function, and lays out what requests will need of it first: the ring of the
    /// servers that live, and of those of each shard.
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
        let (maker, name) = (self.maker.clone(), hash.name.clone());
        blocking(&name, move || maker.prepare(hash, live, shards)).await
    }

    /// Makes a prepared hash function the one that requests go by: the next one does.
    pub fn adopt(&self, prepared: Prepared) -> Arc<Active<HashPlugin>> {
        self.maker.adopt(prepared)
    }

    fn ask(&self, sorted: &[Arc<Member>]) {
        if let Err(error) = self.asks.try_send(sorted.to_vec()) {
            tracing::debug!(%error, "a ring will have to be asked for again");
        }
    }
}

impl Routing for Router {
    fn order(&self, shard: &ShardView) -> Vec<Arc<Member>> {
        Router::order(self, self.draw(), &shard.in_sync)
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
