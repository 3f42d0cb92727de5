//! How much nodes carry, and the moves that make it more even.

use std::fmt;

use crate::board::{Board, Pick};
use crate::placement::{Cluster, Shard};

/// A server of weight 0 is a last resort: any load is much for it.
const LAST_RESORT: f64 = 0.001;
/// Even a copy that holds and does nothing is something to spread.
const LEAST_COST: f64 = 0.01;

/// What a copy of each shard costs its holder, and what share each node should carry.
pub struct Load {
    costs: Vec<f64>,
    weights: Vec<f64>,
    /// Whether all costs are the same.
    pub(crate) alike: bool,
}

impl Load {
    /// By copies alone, on nodes that are all alike.
    pub fn counted(cluster: &Cluster) -> Self {
        let (shards, nodes) = (cluster.shards.len(), cluster.nodes.len());
        Load { costs: vec![1.0; shards], weights: vec![1.0; nodes], alike: true }
    }

    /// By rows and by requests, as far as the host knows them, each relative to the mean of the
    /// known; what it does not know of a shard counts as the mean, and with nothing known copies
    /// are counted. A shard's requests are shared by its copies. Nodes carry in proportion to
    /// their weights.
    pub fn measured(cluster: &Cluster) -> Self {
        let shards = &cluster.shards;
        let rows = relative(shards, |s| s.rows.map(|rows| rows as f64));
        let requests = relative(shards, |s| s.requests.map(|r| r / f64::from(s.copies.max(1))));
        let known: Vec<Vec<f64>> = [rows, requests].into_iter().flatten().collect();
        let cost = |shard: usize| {
            let sum: f64 = known.iter().map(|values| values[shard]).sum();
            (sum / known.len() as f64).max(LEAST_COST)
        };
        let weight = |weight: u32| f64::from(weight).max(LAST_RESORT);
        let weights = cluster.nodes.iter().map(|n| weight(n.server.weight)).collect();
        if known.is_empty() {
            return Load { weights, ..Load::counted(cluster) };
        }
        Load { costs: (0..shards.len()).map(cost).collect(), weights, alike: false }
    }

    pub(crate) fn cost(&self, shard: u32) -> f64 {
        self.costs[shard as usize]
    }

    pub(crate) fn weight(&self, node: u32) -> f64 {
        self.weights[node as usize]
    }

    pub(crate) fn weights(&self) -> f64 {
        self.weights.iter().sum()
    }
}

/// Values relative to the mean of those that are known; `None` where that says nothing.
fn relative(shards: &[Shard], value: impl Fn(&Shard) -> Option<f64>) -> Option<Vec<f64>> {
    let values: Vec<Option<f64>> =
        shards.iter().map(|s| value(s).filter(|v| v.is_finite() && *v >= 0.0)).collect();
    let known = values.iter().flatten();
    let mean = known.clone().sum::<f64>() / known.count() as f64;
    let relative = |value: Option<f64>| value.map_or(1.0, |v| v / mean);
    (mean > 0.0).then(|| values.into_iter().map(relative).collect())
}

/// Of these, the node that carries the least with a copy of the shard; the first of equals.
pub fn lightest(board: &Board, shard: u32, candidates: &[u32]) -> Option<Pick> {
    let with = |node: u32| (node, board.load(node) + board.part(node, shard));
    let (node, load) =
        candidates.iter().map(|&node| with(node)).min_by(|a, b| a.1.total_cmp(&b.1))?;
    let of = candidates.len();
    let reason = format!("of {of} that can take it, this one then carries the least: {load:.2}");
    Some(Pick { node, reason })
}

/// A move that makes the load more even.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The shard.
    pub shard: u32,
    /// Who gives its copy up.
    pub source: u32,
    /// Who gets it.
    pub target: u32,
    /// What source and target carry, as multiples of the mean.
    pub before: [f64; 2],
    /// What they carry after the move.
    pub after: [f64; 2],
}

impl Step {
    fn of(board: &Board, mean: f64, shard: u32, source: u32, target: u32) -> Self {
        let before = [source, target].map(|node| board.load(node) / mean);
        let [less, more] = [source, target].map(|node| board.part(node, shard) / mean);
        let after = [before[0] - less, before[1] + more];
        Step { shard, source, target, before, after }
    }

    /// By how much the higher of the two loads falls, as a multiple of the mean.
    pub fn gain(&self) -> f64 {
        let [before, after] = [self.before, self.after].map(|[source, target]| source.max(target));
        before - after
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let ([source, target], [less, more]) = (self.before, self.after);
        write!(
            f,
            "Its holder carries {source:.2} times the mean and this one {target:.2}; \
             then {less:.2} and {more:.2}"
        )
    }
}

/// The move of most gain off the most loaded node that has one of at least `least`. Each goes to
/// the least loaded node that can take it and that `allows`, given shard, source and target,
/// permits; to one of weight 0 where no other can take it.
pub fn step(board: &Board, least: f64, allows: impl Fn(u32, u32, u32) -> bool) -> Option<Step> {
    if board.is_full() {
        return None;
    }
    let mut rising: Vec<u32> = board.nodes().collect();
    rising.sort_by(|a, b| board.load(*a).total_cmp(&board.load(*b)));
    let mut falling: Vec<u32> = board.nodes().collect();
    falling.sort_by(|a, b| board.load(*b).total_cmp(&board.load(*a))); // of equals the first
    rising.retain(|node| board.room(*node) > 0);
    rising.sort_by_key(|node| !board.has_weight(*node)); // stable
    let mean = board.mean();
    let target = |shard, source| {
        let takes = |t: &u32| board.takes(*t, shard);
        let mut able = rising.iter().copied().filter(takes).peekable();
        let weighted = board.has_weight(*able.peek()?);
        able.take_while(|t| board.has_weight(*t) == weighted).find(|t| allows(shard, source, *t))
    };
    let best = |source| {
        let step = |shard, target| Step::of(board, mean, shard, source, target);
        let most = most_gain(board, source, |shard| {
            rising.iter().filter(|t| **t != source).map(move |t| step(shard, *t).gain())
        });
        let mut best: Option<Step> = None;
        for shard in board.movable(source) {
            let Some(target) = target(shard, source) else { continue };
            let step = step(shard, target);
            // Of equals the first.
            if best.is_none_or(|best| step.gain() > best.gain()) {
                best = Some(step);
            }
            if step.gain() >= most {
                break;
            }
        }
        best.filter(|step| step.gain() >= least)
    };
    falling.into_iter().find_map(best)
}

/// The most that a move off a node can gain, where one shard tells it of all: with it found, the
/// others need not be looked at.
fn most_gain<G: Iterator<Item = f64>>(
    board: &Board,
    source: u32,
    gains: impl FnOnce(u32) -> G,
) -> f64 {
    let any = board.movable(source).next().filter(|_| board.costs_alike());
    any.map(gains).into_iter().flatten().max_by(f64::total_cmp).unwrap_or(f64::INFINITY)
}
