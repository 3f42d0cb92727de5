#![allow(clippy::unwrap_used)] // a test fails by panicking

use super::*;

fn nodes(count: u32) -> Vec<Node> {
    let server = |id| Server { id, name: format!("Server{id}"), weight: 1, labels: Vec::new() };
    let node = |id| Node { server: server(id), accepts: true, requests: None, capacity: None };
    (1..=count).map(node).collect()
}

/// Shards that should have so many copies, by who holds them.
fn shards(copies: u32, held_by: &[&[u32]]) -> Vec<Shard> {
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

/// The moves as (shard, source, target), and the copies each node ends up with.
type Outcome = (Vec<(u32, Option<u32>, u32)>, Vec<usize>);

/// Plans and carries the plan out, step by step, as the host would.
fn carry_out(mut cluster: Cluster, goal: Goal) -> Outcome {
    let moves = Spread::plan(cluster.clone(), goal, Vec::new()).unwrap();
    for m in &moves {
        let held = &mut cluster.shards[m.shard as usize].held_by;
        assert!(cluster.nodes[m.target as usize].accepts);
        assert!(held.iter().all(|c| c.node != m.target), "two copies on one node");
        held.push(Holder { node: m.target, in_sync: false });
        if let Some(source) = m.source {
            assert!(held.iter().any(|c| c.node == source), "nothing there to move");
            held.retain(|c| c.node != source);
        }
    }
    let holds = |s: &Shard, n: usize| s.held_by.iter().any(|c| c.node as usize == n);
    let load = |n: usize| cluster.shards.iter().filter(|s| holds(s, n)).count();
    let loads: Vec<usize> = (0..cluster.nodes.len()).map(load).collect();
    for (node, load) in cluster.nodes.iter().zip(&loads) {
        assert!(node.capacity.is_none_or(|c| *load <= c as usize), "{load} copies are too many");
    }
    (moves.iter().map(|m| (m.shard, m.source, m.target)).collect(), loads)
}

#[test]
fn three_shards_of_two_copies_balance_on_three_nodes() {
    let cluster = Cluster { nodes: nodes(3), shards: shards(2, &[&[], &[], &[]]) };
    let (moves, loads) = carry_out(cluster, Goal::Place);
    let new = |s, t| (s, None, t);
    assert_eq!(moves, [new(0, 0), new(0, 1), new(1, 2), new(1, 0), new(2, 1), new(2, 2)]);
    assert_eq!(loads, [2, 2, 2]);
}

#[test]
fn new_copies_go_where_the_fewest_are() {
    let cluster = Cluster { nodes: nodes(4), shards: shards(3, &[&[0, 1, 2], &[0, 1], &[0]]) };
    let (moves, loads) = carry_out(cluster, Goal::Place);
    assert_eq!(moves, [(1, None, 3), (2, None, 2), (2, None, 3)]);
    assert_eq!(loads, [3, 2, 2, 2]);
}

#[test]
fn a_node_that_accepts_nothing_gets_nothing() {
    let mut cluster = Cluster { nodes: nodes(3), shards: shards(3, &[&[], &[]]) };
    cluster.nodes[1].accepts = false;
    assert_eq!(carry_out(cluster, Goal::Place).1, [2, 0, 2]);
}

#[test]
fn where_room_is_short_every_shard_has_a_copy_first() {
    let mut cluster = Cluster { nodes: nodes(2), shards: shards(2, &[&[], &[], &[]]) };
    cluster.nodes.iter_mut().for_each(|n| n.capacity = Some(2));
    let (moves, loads) = carry_out(cluster, Goal::Place);
    let copies = |shard| moves.iter().filter(|m| m.0 == shard).count();
    assert_eq!([copies(0), copies(1), copies(2)], [2, 1, 1]);
    assert_eq!(loads, [2, 2]);
}

#[test]
fn a_shard_that_should_have_no_copy_takes_no_room() {
    let mut cluster = Cluster { nodes: nodes(2), shards: shards(2, &[&[], &[]]) };
    cluster.nodes.iter_mut().for_each(|n| n.capacity = Some(1));
    cluster.shards[1].copies = 0;
    assert_eq!(carry_out(cluster, Goal::Place).1, [1, 1]);
}

#[test]
fn a_drained_node_ends_empty() {
    let held: &[&[u32]] = &[&[0, 1], &[0, 2], &[1, 2]];
    let cluster = Cluster { nodes: nodes(4), shards: shards(2, held) };
    let (moves, loads) = carry_out(cluster, Goal::Drain(vec![0]));
    assert_eq!(moves, [(0, Some(0), 3), (1, Some(0), 3)]);
    assert_eq!(loads, [0, 2, 2, 2]);
}

#[test]
fn drained_nodes_do_not_take_from_each_other() {
    let cluster = Cluster { nodes: nodes(3), shards: shards(1, &[&[0], &[1]]) };
    let (moves, loads) = carry_out(cluster, Goal::Drain(vec![0, 1]));
    assert_eq!(moves, [(0, Some(0), 2), (1, Some(1), 2)]);
    assert_eq!(loads, [0, 0, 2]);
}

#[test]
fn a_copy_that_no_node_can_take_stays() {
    let cluster = Cluster { nodes: nodes(2), shards: shards(2, &[&[0, 1], &[0]]) };
    let (moves, _) = carry_out(cluster, Goal::Drain(vec![0]));
    assert_eq!(moves, [(1, Some(0), 1)]);
}

#[test]
fn rebalancing_ends_within_one_copy() {
    let held: &[&[u32]] = &[&[0, 1], &[0, 1], &[0, 1], &[0], &[0]];
    let cluster = Cluster { nodes: nodes(3), shards: shards(2, held) };
    let (moves, loads) = carry_out(cluster, Goal::Rebalance);
    assert_eq!(moves, [(0, Some(0), 2), (1, Some(0), 2)]);
    assert_eq!(loads, [3, 3, 2]);
}

#[test]
fn what_is_balanced_stays() {
    let cluster = Cluster { nodes: nodes(3), shards: shards(2, &[&[0, 1], &[1, 2]]) };
    assert_eq!(carry_out(cluster, Goal::Rebalance).0, []);
    let none = Cluster { nodes: Vec::new(), shards: Vec::new() };
    assert_eq!(carry_out(none, Goal::Rebalance).0, []);
}
