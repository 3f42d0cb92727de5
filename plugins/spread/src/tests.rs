use ringwright_plugin::testing::placement::{
    carry_out, carry_out_with, keeps_the_law, label, nodes, set, settings, shards,
};

use super::*;

#[test]
fn three_shards_of_two_copies_balance_on_three_nodes() {
    let cluster = Cluster { nodes: nodes(3), shards: shards(2, &[&[], &[], &[]]) };
    let outcome = carry_out::<Spread>(cluster, &Goal::Place);
    let new = |s, t| (s, None, t);
    assert_eq!(outcome.steps(), [new(0, 0), new(0, 1), new(1, 2), new(1, 0), new(2, 1), new(2, 2)]);
    assert_eq!(outcome.copies, [2, 2, 2]);
}

#[test]
fn new_copies_go_where_the_fewest_are() {
    let cluster = Cluster { nodes: nodes(4), shards: shards(3, &[&[0, 1, 2], &[0, 1], &[0]]) };
    let outcome = carry_out::<Spread>(cluster, &Goal::Place);
    assert_eq!(outcome.steps(), [(1, None, 3), (2, None, 2), (2, None, 3)]);
    assert_eq!(outcome.copies, [3, 2, 2, 2]);
}

#[test]
fn a_node_that_accepts_nothing_gets_nothing() {
    let mut cluster = Cluster { nodes: nodes(3), shards: shards(3, &[&[], &[]]) };
    cluster.nodes[1].accepts = false;
    assert_eq!(carry_out::<Spread>(cluster, &Goal::Place).copies, [2, 0, 2]);
}

#[test]
fn where_room_is_short_every_shard_has_a_copy_first() {
    let mut cluster = Cluster { nodes: nodes(2), shards: shards(2, &[&[], &[], &[]]) };
    cluster.nodes.iter_mut().for_each(|n| n.capacity = Some(2));
    let outcome = carry_out::<Spread>(cluster, &Goal::Place);
    let copies = |shard| outcome.moves.iter().filter(|m| m.shard == shard).count();
    assert_eq!([copies(0), copies(1), copies(2)], [2, 1, 1]);
    assert_eq!(outcome.copies, [2, 2]);
}

#[test]
fn a_shard_that_should_have_no_copy_takes_no_room() {
    let mut cluster = Cluster { nodes: nodes(2), shards: shards(2, &[&[], &[]]) };
    cluster.nodes.iter_mut().for_each(|n| n.capacity = Some(1));
    cluster.shards[1].copies = 0;
    assert_eq!(carry_out::<Spread>(cluster, &Goal::Place).copies, [1, 1]);
}

#[test]
fn a_drained_node_ends_empty() {
    let held: &[&[u32]] = &[&[0, 1], &[0, 2], &[1, 2]];
    let cluster = Cluster { nodes: nodes(4), shards: shards(2, held) };
    let outcome = carry_out::<Spread>(cluster, &Goal::Drain(vec![0]));
    assert_eq!(outcome.steps(), [(0, Some(0), 3), (1, Some(0), 3)]);
    assert_eq!(outcome.copies, [0, 2, 2, 2]);
}

#[test]
fn drained_nodes_do_not_take_from_each_other() {
    let cluster = Cluster { nodes: nodes(3), shards: shards(1, &[&[0], &[1]]) };
    let outcome = carry_out::<Spread>(cluster, &Goal::Drain(vec![0, 1]));
    assert_eq!(outcome.steps(), [(0, Some(0), 2), (1, Some(1), 2)]);
    assert_eq!(outcome.copies, [0, 0, 2]);
}

#[test]
fn a_copy_that_no_node_can_take_stays() {
    let cluster = Cluster { nodes: nodes(2), shards: shards(2, &[&[0, 1], &[0]]) };
    let outcome = carry_out::<Spread>(cluster, &Goal::Drain(vec![0]));
    assert_eq!(outcome.steps(), [(1, Some(0), 1)]);
}

#[test]
fn rebalancing_ends_within_one_copy() {
    let held: &[&[u32]] = &[&[0, 1], &[0, 1], &[0, 1], &[0], &[0]];
    let cluster = Cluster { nodes: nodes(3), shards: shards(2, held) };
    let outcome = carry_out::<Spread>(cluster, &Goal::Rebalance);
    assert_eq!(outcome.steps(), [(0, Some(0), 2), (1, Some(0), 2)]);
    assert_eq!(outcome.copies, [3, 3, 2]);
}

#[test]
fn what_is_balanced_stays() {
    let cluster = Cluster { nodes: nodes(3), shards: shards(2, &[&[0, 1], &[1, 2]]) };
    assert_eq!(carry_out::<Spread>(cluster, &Goal::Rebalance).steps(), []);
    let none = Cluster { nodes: Vec::new(), shards: Vec::new() };
    assert_eq!(carry_out::<Spread>(none, &Goal::Rebalance).steps(), []);
}

#[test]
fn copies_of_a_shard_go_to_different_zones() {
    let mut cluster = Cluster { nodes: nodes(3), shards: shards(2, &[&[0], &[2]]) };
    label(&mut cluster.nodes, "zone", &["a", "a", "b"]);
    let steps = carry_out::<Spread>(cluster.clone(), &Goal::Place).steps();
    assert_eq!(steps, [(0, None, 2), (1, None, 1)]);

    let mut by_rack = settings::<Spread>();
    set(&mut by_rack, "apart", "rack");
    let steps = carry_out_with::<Spread>(cluster, &Goal::Place, by_rack).steps();
    assert_eq!(steps, [(0, None, 1), (1, None, 0)], "nobody has a rack");
}

#[test]
fn more_copies_than_zones_double_up_evenly() {
    let mut cluster = Cluster { nodes: nodes(5), shards: shards(4, &[&[]]) };
    label(&mut cluster.nodes, "zone", &["a", "a", "a", "b", "b"]);
    assert_eq!(carry_out::<Spread>(cluster, &Goal::Place).copies, [1, 1, 0, 1, 1]);
}

#[test]
fn a_drained_copy_stays_apart_from_the_others() {
    let mut cluster = Cluster { nodes: nodes(4), shards: shards(2, &[&[0, 2], &[3]]) };
    label(&mut cluster.nodes, "zone", &["a", "b", "b", "a"]);
    // The empty node 1 is in the zone of the other copy.
    let outcome = carry_out::<Spread>(cluster, &Goal::Drain(vec![0]));
    assert_eq!(outcome.steps(), [(0, Some(0), 3)]);
}

#[test]
fn rebalancing_parts_what_is_together_and_parts_nothing_else() {
    let mut cluster = Cluster { nodes: nodes(3), shards: shards(2, &[&[0, 1], &[0, 1]]) };
    label(&mut cluster.nodes, "zone", &["a", "a", "b"]);
    let outcome = carry_out::<Spread>(cluster, &Goal::Rebalance);
    // The last evens out what the first two brought apart.
    assert_eq!(outcome.steps(), [(0, Some(0), 2), (1, Some(0), 2), (0, Some(1), 0)]);

    // Nodes 0 and 2 differ by two, but each copy of 0 would come to the other of its shard.
    let mut cluster = Cluster { nodes: nodes(3), shards: shards(2, &[&[0, 1], &[0, 1]]) };
    label(&mut cluster.nodes, "zone", &["a", "b", "b"]);
    cluster.nodes[1].accepts = false;
    let steps = carry_out::<Spread>(cluster, &Goal::Rebalance).steps();
    assert_eq!(steps, [(0, Some(1), 2)]);
}

#[test]
fn its_plans_are_lawful() {
    keeps_the_law::<Spread>();
}
