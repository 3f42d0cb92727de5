//! Clusters to plan for.

use super::draw::Draw;
use crate::{Cluster, Goal, Holder, Node, PlacedShard, ServerInfo};

/// How many clusters are drawn for each goal.
const DRAWN: u64 = 24;

/// What any policy can plan for: three shards without a copy, two copies each, on three nodes.
pub(super) fn plain() -> Cluster {
    of(3, vec![Vec::new(); 3], 2)
}

/// Nodes without limits, and shards of one size, by who holds them.
pub(super) fn of(nodes: u32, held_by: Vec<Vec<u32>>, copies: u32) -> Cluster {
    let shard = |(id, held): (usize, Vec<u32>)| PlacedShard {
        id: format!("sh{id}"),
        size: 4096,
        rows: Some(1000),
        bytes: Some(100_000),
        requests: Some(10.0),
        copies,
        held_by: held.into_iter().map(|node| Holder { node, in_sync: true }).collect(),
    };
    Cluster {
        nodes: (1..=nodes).map(node).collect(),
        shards: held_by.into_iter().enumerate().map(shard).collect(),
    }
}

fn node(id: u32) -> Node {
    let server = ServerInfo::new(id, &format!("Server{id}"));
    Node { server, accepts: true, requests: None, capacity: None }
}

/// Clusters in which shards lack copies.
pub(super) fn to_place() -> Vec<(Cluster, Goal)> {
    drawn(1, |draw| (cluster(draw, 2), Goal::Place))
}

/// Clusters that one or two nodes are to leave.
pub(super) fn to_drain() -> Vec<(Cluster, Goal)> {
    drawn(2, |draw| {
        let cluster = cluster(draw, 0);
        let nodes = cluster.nodes.len() as u32;
        let mut leaving = vec![draw.below(nodes), draw.below(nodes)];
        leaving.dedup();
        (cluster, Goal::Drain(leaving))
    })
}

/// Clusters that may be out of balance.
pub(super) fn to_rebalance() -> Vec<(Cluster, Goal)> {
    drawn(3, |draw| (cluster(draw, 0), Goal::Rebalance))
}

fn drawn(seed: u64, one: impl Fn(&mut Draw) -> (Cluster, Goal)) -> Vec<(Cluster, Goal)> {
    let mut draw = Draw::new(seed);
    (0..DRAWN).map(|_| one(&mut draw)).collect()
}

/// One of up to eight nodes and ten shards, each of which lacks up to so many copies. Nobody
/// holds more than it may; nodes may be closed or full, and figures not known.
fn cluster(draw: &mut Draw, lacking: u32) -> Cluster {
    let nodes = 1 + draw.below(8);
    let shards = draw.below(11);
    let mut cluster = Cluster { nodes: (1..=nodes).map(node).collect(), shards: Vec::new() };
    for id in 0..shards {
        let held_by = holders(draw, nodes);
        let copies = held_by.len() as u32 + draw.below(lacking + 1);
        let known = !draw.once_in(3);
        let figure = |draw: &mut Draw, most| known.then(|| u64::from(draw.below(most)));
        cluster.shards.push(PlacedShard {
            id: format!("sh{id}"),
            size: u64::from(draw.below(10_000)),
            rows: figure(draw, 1_000_000),
            bytes: figure(draw, 1_000_000_000),
            requests: figure(draw, 1_000).map(|n| n as f64),
            copies,
            held_by,
        });
    }
    for node in 0..nodes {
        let held = cluster.shards.iter().filter(|s| s.is_on(node)).count() as u32;
        let node = &mut cluster.nodes[node as usize];
        node.accepts = !draw.once_in(5);
        node.capacity = draw.once_in(3).then(|| held + draw.below(4));
        node.requests = draw.once_in(2).then(|| f64::from(draw.below(1_000)));
        node.server.weight = draw.below(4);
        node.server.labels = vec![("zone".to_owned(), draw.below(3).to_string())];
    }
    cluster
}

/// Up to three nodes, each once.
fn holders(draw: &mut Draw, nodes: u32) -> Vec<Holder> {
    let mut held_by: Vec<Holder> = Vec::new();
    for _ in 0..draw.below(4) {
        let node = draw.below(nodes);
        if held_by.iter().all(|holder| holder.node != node) {
            held_by.push(Holder { node, in_sync: !draw.once_in(4) });
        }
    }
    held_by
}
