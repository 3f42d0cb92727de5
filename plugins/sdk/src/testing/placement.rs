//! What tests of placement policies share.

use super::defaults;
pub use super::{server, set};
use crate::mix::mix;
use crate::placement::{Cluster, Goal, Holder, Move, Node, Policy, Server, Shard};

/// Nodes that take whatever comes.
pub fn nodes(count: u32) -> Vec<Node> {
    let node = |id| Node { server: server(id), accepts: true, requests: None, capacity: None };
    (1..=count).map(node).collect()
}

/// Shards that should have so many copies, by who holds them.
pub fn shards(copies: u32, held_by: &[&[u32]]) -> Vec<Shard> {
    let shard = |(i, held): (usize, &&[u32])| Shard {
        id: format!("sh{}", i + 1),
        size: 0,
        rows: None,
        bytes: None,
        requests: None,
        copies,
        held_by: held.iter().map(|&node| Holder { node, in_sync: true }).collect(),
    };
    held_by.iter().enumerate().map(shard).collect()
}

/// Gives each node a label.
pub fn label(nodes: &mut [Node], key: &str, values: &[&str]) {
    for (node, value) in nodes.iter_mut().zip(values) {
        node.server.labels.push((key.into(), (*value).into()));
    }
}

/// A plan, and the copies each node ends up with.
pub struct Outcome {
    /// The moves as proposed.
    pub moves: Vec<Move>,
    /// Copies by node.
    pub copies: Vec<usize>,
}

impl Outcome {
    /// The moves as shard, source and target.
    pub fn steps(&self) -> Vec<(u32, Option<u32>, u32)> {
        self.moves.iter().map(|m| (m.shard, m.source, m.target)).collect()
    }
}

/// The settings that the host hands over where an operator sets nothing.
pub fn settings<P: Policy>() -> Vec<(String, String)> {
    defaults(P::describe().settings)
}

/// Plans with the settings as described, and carries the plan out.
pub fn carry_out<P: Policy>(cluster: Cluster, goal: &Goal) -> Outcome {
    carry_out_with::<P>(cluster, goal, settings::<P>())
}

/// Plans and carries the plan out, step by step, as the host would.
///
/// # Panics
/// Where a move is unlawful, or the plan stops short of its goal.
pub fn carry_out_with<P: Policy>(
    mut cluster: Cluster,
    goal: &Goal,
    settings: Vec<(String, String)>,
) -> Outcome {
    let moves = P::plan(cluster.clone(), goal.clone(), settings).unwrap();
    for (i, m) in moves.iter().enumerate() {
        assert!(m.gain.is_finite() && !m.reason.is_empty());
        assert!(can_take(&cluster, m.target, m.shard), "move {i} is to one that cannot take it");
        assert!(
            is_due(&cluster, goal, m),
            "move {i} is to one of weight 0, and others can take it"
        );
        let onward = |before: &Move| (before.shard, Some(before.target)) == (m.shard, m.source);
        assert!(!moves[..i].iter().any(onward), "move {i} takes a copy that has just moved");
        let shard = &mut cluster.shards[m.shard as usize];
        match (goal, m.source) {
            (Goal::Place, None) => assert!(shard.held_by.len() < shard.copies as usize),
            (Goal::Drain(nodes), Some(s)) => {
                assert!(nodes.contains(&s) && !nodes.contains(&m.target));
            }
            (Goal::Rebalance, Some(_)) => {}
            _ => panic!("move {i} is none of this goal"),
        }
        if let Some(source) = m.source {
            assert!(shard.held_by.iter().any(|h| h.node == source), "nothing there to move");
            shard.held_by.retain(|h| h.node != source);
        }
        shard.held_by.push(Holder { node: m.target, in_sync: false });
    }
    assert!(!is_short(&cluster, goal), "there is room for more");
    let copies = (0..cluster.nodes.len() as u32).map(|node| copies(&cluster, node)).collect();
    Outcome { moves, copies }
}

fn holds(shard: &Shard, node: u32) -> bool {
    shard.held_by.iter().any(|h| h.node == node)
}

fn copies(cluster: &Cluster, node: u32) -> usize {
    cluster.shards.iter().filter(|s| holds(s, node)).count()
}

fn can_take(cluster: &Cluster, node: u32, shard: u32) -> bool {
    let Node { accepts, capacity, .. } = cluster.nodes[node as usize];
    accepts
        && !holds(&cluster.shards[shard as usize], node)
        && capacity.is_none_or(|most| copies(cluster, node) < most as usize)
}

/// Whether its target has a weight, or none that has one can take the copy.
fn is_due(cluster: &Cluster, goal: &Goal, m: &Move) -> bool {
    let has_weight = |node: &u32| cluster.nodes[*node as usize].server.weight > 0;
    let leaving: &[u32] = if let Goal::Drain(nodes) = goal { nodes } else { &[] };
    let mut others = (0..cluster.nodes.len() as u32).filter(|n| !leaving.contains(n));
    has_weight(&m.target) || !others.any(|n| has_weight(&n) && can_take(cluster, n, m.shard))
}

/// Whether a copy that the goal asks for could yet be given to somebody.
fn is_short(cluster: &Cluster, goal: &Goal) -> bool {
    let leaving: &[u32] = if let Goal::Drain(nodes) = goal { nodes } else { &[] };
    let lacks = |shard: &Shard| match goal {
        Goal::Place => shard.held_by.len() < shard.copies as usize,
        Goal::Drain(_) => leaving.iter().any(|&node| holds(shard, node)),
        Goal::Rebalance => false,
    };
    let open = |shard| {
        (0..cluster.nodes.len() as u32)
            .any(|node| !leaving.contains(&node) && can_take(cluster, node, shard))
    };
    (0..).zip(&cluster.shards).any(|(i, shard)| lacks(shard) && open(i))
}

/// A cluster of its own for each seed: some of it full, closed, unknown, labelled or empty.
pub fn cluster(seed: u64) -> Cluster {
    let mut state = mix(seed);
    let mut below = move |n: u64| {
        state = mix(state);
        state % n
    };
    let mut nodes = nodes(below(7) as u32);
    for node in &mut nodes {
        node.accepts = below(5) > 0;
        node.capacity = (below(2) == 0).then(|| below(8) as u32);
        node.server.weight = below(4) as u32;
        let labels = vec![("zone".into(), below(3).to_string())];
        node.server = Server { labels, ..node.server.clone() };
    }
    let shard = |i| {
        let copies = below(4) as u32;
        let held_by = (0..nodes.len() as u32)
            .filter(|_| below(3) == 0)
            .map(|node| Holder { node, in_sync: true })
            .collect();
        let rows = (below(2) == 0).then(|| below(1_000));
        let requests = (below(2) == 0).then(|| below(100) as f64);
        Shard { id: format!("sh{i}"), size: 0, rows, bytes: rows, requests, copies, held_by }
    };
    let shards = (0..8).map(shard).collect();
    Cluster { nodes, shards }
}

/// Plans for many clusters and each goal, and checks that every plan is lawful and goes as far as
/// it must.
pub fn keeps_the_law<P: Policy>() {
    for seed in 0..500 {
        let cluster = cluster(seed);
        let leaving = (0..cluster.nodes.len() as u32).filter(|n| n % 2 == 0).collect();
        for goal in [Goal::Place, Goal::Drain(leaving), Goal::Rebalance] {
            carry_out::<P>(cluster.clone(), &goal);
        }
    }
}
