//! Which server a request goes to: the active hash function over rings of the servers that may
//! answer it.
//!
//! A shard's replicas in sync form their own ring, so that its reads spread over exactly those.
//! Rings are kept by the set of servers they were laid out for; there are few such sets, and
//! each is laid out once.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rand::RngExt;
use ringwright_plugin_runtime::{CallError, HashPlugin, ServerInfo};
use ringwright_replication::{Member, Routing, ShardView};
use ringwright_ring::Table;

use crate::brain::{Active, Brain};

/// Most sets of servers to keep rings for; beyond it all are laid out again.
const KEPT: usize = 4096;

/// Draws request ids and finds their servers.
pub struct Router {
    brain: Arc<Brain>,
    slots: u32,
    virtual_nodes: u32,
    rings: ArcSwap<Rings>,
    laying_out: Mutex<()>,
}

/// The rings of one hash function.
struct Rings {
    hash: Arc<Active<HashPlugin>>,
    by_servers: HashMap<Vec<u32>, Option<Arc<Table>>>,
}

/// Why no ring could be laid out.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The plugin failed or refused.
    #[error("hash plugin '{0}': {1}")]
    Plugin(String, CallError),
    /// What it answered is no layout.
    #[error("hash plugin '{0}': {1}")]
    Layout(String, ringwright_ring::LayoutError),
}

impl Router {
    /// A router over rings of so many slots, with so many virtual nodes a server.
    pub fn new(brain: Arc<Brain>, slots: u32, virtual_nodes: u32) -> Self {
        let rings = Rings { hash: brain.hash(), by_servers: HashMap::new() };
        let rings = ArcSwap::from_pointee(rings);
        Router { brain, slots, virtual_nodes, rings, laying_out: Mutex::new(()) }
    }

    /// A request id as the paper's clients draw them: six digits.
    pub fn draw(&self) -> u64 {
        rand::rng().random_range(100_000..=999_999)
    }

    /// Lays servers out by a hash function.
    ///
    /// # Errors
    /// Where the function fails or cannot do it.
    pub fn lay_out(
        &self,
        hash: &Active<HashPlugin>,
        servers: &[Arc<Member>],
    ) -> Result<Table, LayoutError> {
        let infos: Vec<ServerInfo> =
            servers.iter().map(|m| ServerInfo::new(m.id, &m.name)).collect();
        let layout = hash
            .plugin
            .layout(&infos, self.virtual_nodes, self.slots)
            .map_err(|e| LayoutError::Plugin(hash.name.clone(), e))?;
        Table::build(layout, servers.len(), self.slots)
            .map_err(|e| LayoutError::Layout(hash.name.clone(), e))
    }

    /// The servers in the order they are to be asked for a request, each once.
    pub fn order(&self, request: u64, servers: &[Arc<Member>]) -> Vec<Arc<Member>> {
        if servers.len() < 2 {
            return servers.to_vec();
        }
        // By number, so that a set has one ring whatever order it is told in.
        let mut sorted: Vec<&Arc<Member>> = servers.iter().collect();
        sorted.sort_by_key(|m| m.id);
        let (hash, table) = self.ring_of(&sorted);
        let slot = hash.plugin.slot(request, self.slots);
        match (table, slot) {
            (Some(table), Ok(slot)) => {
                table.walk(slot).filter_map(|i| sorted.get(i)).map(|m| (*m).clone()).collect()
            }
            (_, slot) => {
                if let Err(error) = slot {
                    tracing::warn!(plugin = hash.name, %error, "a slot could not be computed");
                }
                // Whatever a plugin does, requests go on: evenly, by the request's own number.
                let first = usize::try_from(request).unwrap_or(0) % sorted.len();
                sorted.rotate_left(first);
                sorted.into_iter().cloned().collect()
            }
        }
    }

    fn ring_of(&self, servers: &[&Arc<Member>]) -> (Arc<Active<HashPlugin>>, Option<Arc<Table>>) {
        let ids: Vec<u32> = servers.iter().map(|m| m.id).collect();
        let active = self.brain.hash();
        let kept = |rings: &Rings| {
            let current = Arc::ptr_eq(&rings.hash, &active);
            current.then(|| rings.by_servers.get(&ids).cloned()).flatten()
        };
        if let Some(table) = kept(&self.rings.load()) {
            return (active, table);
        }
        let _one = self.laying_out.lock();
        let rings = self.rings.load();
        if let Some(table) = kept(&rings) {
            return (active, table);
        }
        let members: Vec<Arc<Member>> = servers.iter().map(|m| (*m).clone()).collect();
        let table = match self.lay_out(&active, &members) {
            Ok(table) => Some(Arc::new(table)),
            Err(error) => {
                tracing::error!(%error, servers = members.len(), "no ring could be laid out");
                None
            }
        };
        let same = Arc::ptr_eq(&rings.hash, &active) && rings.by_servers.len() < KEPT;
        let mut by_servers = if same { rings.by_servers.clone() } else { HashMap::new() };
        by_servers.insert(ids, table.clone());
        self.rings.store(Arc::new(Rings { hash: active.clone(), by_servers }));
        (active, table)
    }
}

impl Routing for Router {
    fn order(&self, shard: &ShardView) -> Vec<Arc<Member>> {
        Router::order(self, self.draw(), &shard.in_sync)
    }
}
