//! Who holds what while a plan is made.
//!
//! The board keeps a plan lawful and complete, whatever is picked; a policy only picks.

use std::collections::BTreeSet;

use crate::load::Load;
use crate::placement::{Cluster, Move, Node, Shard};

/// Most moves of a plan toward balance: whoever wants more asks again.
const MOST_MOVES: usize = 1_000;

/// What a policy picked.
#[derive(Clone, Debug)]
pub struct Pick {
    /// Position in the list of nodes.
    pub node: u32,
    /// Why, for people.
    pub reason: String,
}

/// The cluster as the moves so far leave it.
pub struct Board<'a> {
    cluster: &'a Cluster,
    load: Load,
    /// Of each node, the cost of what it holds.
    carried: Vec<f64>,
    /// Of each node, the shards it holds.
    held: Vec<BTreeSet<u32>>,
    /// Of each shard, the nodes that hold it.
    holders: Vec<Vec<u32>>,
    /// Shards and who got a copy by this plan: such a copy moves no further.
    got: BTreeSet<(u32, u32)>,
    moves: Vec<Move>,
}

impl<'a> Board<'a> {
    /// The board before the first move.
    pub fn of(cluster: &'a Cluster, load: Load) -> Self {
        let holders: Vec<Vec<u32>> =
            cluster.shards.iter().map(|s| s.held_by.iter().map(|h| h.node).collect()).collect();
        let mut held = vec![BTreeSet::new(); cluster.nodes.len()];
        for (shard, holders) in (0..).zip(&holders) {
            for node in holders {
                held[*node as usize].insert(shard);
            }
        }
        // From 0: the sum of nothing is -0.
        let carries = |held: &BTreeSet<u32>| held.iter().fold(0.0, |sum, &s| sum + load.cost(s));
        let carried = held.iter().map(carries).collect();
        let (got, moves) = (BTreeSet::new(), Vec::new());
        Board { cluster, load, carried, held, holders, got, moves }
    }

    /// The plan.
    pub fn into_moves(self) -> Vec<Move> {
        self.moves
    }

    /// Whether it has all the moves that a plan toward balance may have.
    pub fn is_full(&self) -> bool {
        self.moves.len() >= MOST_MOVES
    }

    /// The positions of all nodes.
    pub fn nodes(&self) -> impl Iterator<Item = u32> + use<> {
        0..self.cluster.nodes.len() as u32
    }

    /// The positions of all shards.
    pub fn shards(&self) -> impl Iterator<Item = u32> + use<> {
        0..self.cluster.shards.len() as u32
    }

    /// A node by its position.
    pub fn node(&self, node: u32) -> &'a Node {
        &self.cluster.nodes[node as usize]
    }

    /// A shard by its position.
    pub fn shard(&self, shard: u32) -> &'a Shard {
        &self.cluster.shards[shard as usize]
    }

    /// The shards a node holds.
    pub fn held(&self, node: u32) -> &BTreeSet<u32> {
        &self.held[node as usize]
    }

    /// The nodes that hold a shard.
    pub fn holders(&self, shard: u32) -> &[u32] {
        &self.holders[shard as usize]
    }

    /// What a node carries for its weight.
    pub fn load(&self, node: u32) -> f64 {
        self.carried[node as usize] / self.load.weight(node)
    }

    /// What a copy of a shard adds to the load of a node.
    pub fn part(&self, node: u32, shard: u32) -> f64 {
        self.load.cost(shard) / self.load.weight(node)
    }

    /// What each node would carry for its weight if all carried alike.
    pub fn mean(&self) -> f64 {
        self.carried.iter().sum::<f64>() / self.load.weights()
    }

    /// The shards a node holds and may give up.
    pub fn movable(&self, node: u32) -> impl Iterator<Item = u32> {
        self.held(node).iter().copied().filter(move |&shard| !self.got.contains(&(shard, node)))
    }

    /// Whether a node can be given a copy of a shard.
    pub fn takes(&self, node: u32, shard: u32) -> bool {
        self.room(node) > 0 && !self.holders(shard).contains(&node)
    }

    /// Whether a node is more than a last resort.
    pub fn has_weight(&self, node: u32) -> bool {
        self.node(node).server.weight > 0
    }

    /// Whether a copy of any shard costs the same.
    pub(crate) fn costs_alike(&self) -> bool {
        self.load.alike
    }

    /// How many copies a node can be given yet.
    pub(crate) fn room(&self, node: u32) -> usize {
        let Node { accepts, capacity, .. } = self.node(node);
        let most = if *accepts { capacity.map_or(usize::MAX, |c| c as usize) } else { 0 };
        most.saturating_sub(self.held(node).len())
    }

    /// Moves a copy of a shard, or makes one where there is no source.
    pub fn apply(&mut self, shard: u32, source: Option<u32>, pick: Pick, gain: f64) {
        let Pick { node: target, reason } = pick;
        if let Some(source) = source {
            self.take(shard, source);
        }
        self.give(shard, target);
        self.got.insert((shard, target));
        self.moves.push(Move { shard, source, target, reason, gain });
    }

    fn take(&mut self, shard: u32, node: u32) {
        self.holders[shard as usize].retain(|&holder| holder != node);
        self.held[node as usize].remove(&shard);
        self.carried[node as usize] -= self.load.cost(shard);
    }

    fn give(&mut self, shard: u32, node: u32) {
        self.holders[shard as usize].push(node);
        self.held[node as usize].insert(shard);
        self.carried[node as usize] += self.load.cost(shard);
    }

    /// Gives every shard the copies it lacks, each to whom `pick` picks of those that can take
    /// it. Where room is short, a second copy leaves enough of it for the shards that have none.
    pub fn place(&mut self, pick: impl Fn(&Self, u32, &[u32]) -> Option<Pick>) {
        let mut room = self.nodes().map(|n| self.room(n)).fold(0, usize::saturating_add);
        let is_bare = |&s: &u32| self.shard(s).copies > 0 && self.holders(s).is_empty();
        let mut bare = self.shards().filter(is_bare).count();
        for shard in self.shards() {
            while self.holders(shard).len() < self.shard(shard).copies as usize {
                let first = self.holders(shard).is_empty();
                if !first && room <= bare {
                    break;
                }
                let Some(picked) = pick(self, shard, &self.candidates(shard, &[])) else { break };
                self.apply(shard, None, picked, 1.0);
                room -= 1;
                bare -= usize::from(first);
            }
        }
    }

    /// Moves every copy off these nodes, each to whom `pick` picks of those that can take it. It
    /// sees the board without the copy.
    pub fn drain(&mut self, leaving: &[u32], pick: impl Fn(&Self, u32, &[u32]) -> Option<Pick>) {
        for &source in leaving {
            for shard in self.movable(source).collect::<Vec<_>>() {
                let candidates = self.candidates(shard, leaving);
                self.take(shard, source);
                let picked = pick(self, shard, &candidates);
                self.give(shard, source);
                let Some(Pick { node, reason }) = picked else { continue };
                let reason = format!("its holder leaves; {reason}");
                self.apply(shard, Some(source), Pick { node, reason }, 1.0);
            }
        }
    }

    /// The nodes that can be given a copy of a shard; those of weight 0 where there is no other.
    pub fn candidates(&self, shard: u32, except: &[u32]) -> Vec<u32> {
        let able = |n: &u32| self.takes(*n, shard) && !except.contains(n);
        let (weighted, weightless): (Vec<u32>, Vec<u32>) =
            self.nodes().filter(able).partition(|n| self.has_weight(*n));
        if weighted.is_empty() { weightless } else { weighted }
    }
}
