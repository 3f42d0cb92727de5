//! Who holds what while a plan is made.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::{Cluster, Shard};

pub(crate) struct Board {
    nodes: Vec<Holder>,
    copies: Vec<usize>,
}

struct Holder {
    accepts: bool,
    capacity: usize,
    shards: BTreeSet<u32>,
}

impl Holder {
    fn takes(&self, shard: u32) -> bool {
        self.room() > 0 && !self.shards.contains(&shard)
    }

    fn room(&self) -> usize {
        if self.accepts { self.capacity.saturating_sub(self.shards.len()) } else { 0 }
    }
}

impl Board {
    pub(crate) fn of(cluster: &Cluster) -> Self {
        let holder = |node: u32, accepts, capacity: Option<u32>| Holder {
            accepts,
            capacity: capacity.map_or(usize::MAX, |c| c as usize),
            shards: (0..)
                .zip(&cluster.shards)
                .filter(|(_, s)| s.held_by.iter().any(|c| c.node == node))
                .map(|(shard, _)| shard)
                .collect(),
        };
        Board {
            nodes: (0..)
                .zip(&cluster.nodes)
                .map(|(i, n)| holder(i, n.accepts, n.capacity))
                .collect(),
            copies: cluster.shards.iter().map(|s| s.held_by.len()).collect(),
        }
    }

    pub(crate) fn copies(&self, shard: u32) -> usize {
        self.copies[shard as usize]
    }

    /// How many shards should have a copy and have none.
    pub(crate) fn bare(&self, shards: &[Shard]) -> usize {
        self.copies.iter().zip(shards).filter(|(held, s)| **held == 0 && s.copies > 0).count()
    }

    /// How many copies the nodes can take yet.
    pub(crate) fn room(&self) -> usize {
        self.nodes.iter().map(Holder::room).fold(0, usize::saturating_add)
    }

    pub(crate) fn load(&self, node: u32) -> usize {
        self.nodes[node as usize].shards.len()
    }

    pub(crate) fn held_by(&self, node: u32) -> Vec<u32> {
        self.nodes[node as usize].shards.iter().copied().collect()
    }

    /// The node with the fewest copies that can take one of this shard.
    pub(crate) fn least_loaded(&self, shard: u32, except: &[u32]) -> Option<u32> {
        (0..)
            .zip(&self.nodes)
            .filter(|(i, n)| n.takes(shard) && !except.contains(i))
            .min_by_key(|(_, n)| n.shards.len())
            .map(|(i, _)| i)
    }

    /// The move from the most to the least loaded node, where they differ by two or more.
    ///
    /// There is a shard to move then: the one holds more than the other.
    pub(crate) fn steepest(&self) -> Option<(u32, u32, u32)> {
        let load = |(_, n): &(u32, &Holder)| n.shards.len();
        let nodes = || (0..).zip(&self.nodes);
        // Of equals the first; a maximum would be the last.
        let (source, most) = nodes().min_by_key(|n| Reverse(load(n)))?;
        let (target, least) = nodes().filter(|(_, n)| n.room() > 0).min_by_key(load)?;
        if most.shards.len() < least.shards.len() + 2 {
            return None;
        }
        let shard = most.shards.difference(&least.shards).next()?;
        Some((*shard, source, target))
    }

    pub(crate) fn give(&mut self, shard: u32, target: u32) {
        self.nodes[target as usize].shards.insert(shard);
        self.copies[shard as usize] += 1;
    }

    pub(crate) fn shift(&mut self, shard: u32, source: u32, target: u32) {
        self.nodes[source as usize].shards.remove(&shard);
        self.nodes[target as usize].shards.insert(shard);
    }
}
