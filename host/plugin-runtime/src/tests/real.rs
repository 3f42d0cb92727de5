//! The plugins that come with the project.

use ringwright_ring::Layout;
use ringwright_test_plugins::built;

use crate::tests::support::{hash, patient, placement, runtime, servers};
use crate::{CallError, Cluster, Goal, Holder, Node, PlacedShard};

/// How 10,000 requests fall on so many servers if every six-digit id comes equally often.
fn shares(plugin: &str, count: u32) -> Vec<u32> {
    let plugin = hash(patient().load(&built(plugin)));
    let table = plugin.table(&servers(count), 9, 512).unwrap();
    let ids: Vec<u64> = (100_000..=999_999).collect();
    let mut counts = vec![0; count as usize];
    for slot in plugin.slots(&ids, 512).unwrap() {
        counts[table.owner(slot).unwrap()] += 1;
    }
    counts.into_iter().map(|n: u32| (n + 45) / 90).collect()
}

/// What the paper's plots are samples of.
#[test]
fn the_papers_plots_come_out() {
    assert_eq!(shares("virtual-node", 3), [8359, 469, 1172]);
    assert_eq!(shares("virtual-node", 6), [7266, 469, 938, 391, 547, 391]);
    assert_eq!(shares("md5", 3), [2344, 2772, 4884]);
    assert_eq!(shares("md5", 6), [1620, 2536, 746, 1422, 2606, 1070]);
    assert_eq!(shares("quadratic", 3), [9609, 0, 391]);
}

#[test]
fn one_by_one_is_as_all_at_once() {
    let ids: Vec<u64> = (0..200_u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    for name in ["quadratic", "virtual-node", "md5"] {
        let plugin = hash(runtime().load(&built(name)));
        let each: Vec<u32> = ids.iter().map(|&i| plugin.slot(i, 65_537).unwrap()).collect();
        assert_eq!(plugin.slots(&ids, 65_537), Ok(each), "{name}");
    }
}

#[test]
fn more_requests_than_fit_a_guest_go_in_batches() {
    let plugin = hash(runtime().load(&built("quadratic")));
    let ids: Vec<u64> = (0..1_000_000).collect(); // 8 MB, twice what the guest may have
    let slots = plugin.slots(&ids, 512).unwrap();
    assert_eq!(slots.len(), ids.len());
    assert_eq!(slots[999_999], (1_000_000_u64.pow(2) + 16).rem_euclid(512) as u32);
}

#[test]
fn quadratic_has_one_point_a_server() {
    let plugin = hash(runtime().load(&built("quadratic")));
    let Layout::Ring(points) = plugin.layout(&servers(3), 9, 512).unwrap() else { panic!() };
    let slots: Vec<u32> = points.iter().map(|p| p.slot).collect();
    assert_eq!(slots, [26, 29, 34]); // i² + 25
}

#[test]
fn what_cannot_be_laid_out_is_refused() {
    let plugin = hash(runtime().load(&built("virtual-node")));
    let refusal = plugin.layout(&servers(57), 9, 512).unwrap_err();
    assert!(matches!(refusal, CallError::Refused(_)), "{refusal}");
    assert_eq!(plugin.slot(1, 0), Err(CallError::NoSlots));
    assert_eq!(plugin.slots(&[1], 0), Err(CallError::NoSlots));
}

fn cluster(nodes: u32, held_by: &[&[u32]]) -> Cluster {
    let node = |server| Node { server, accepts: true, requests: None, capacity: None };
    let shard = |held: &&[u32]| PlacedShard {
        id: "sh".into(),
        size: 4096,
        rows: None,
        bytes: None,
        requests: None,
        copies: 2,
        held_by: held.iter().map(|&node| Holder { node, in_sync: true }).collect(),
    };
    Cluster {
        nodes: servers(nodes).into_iter().map(node).collect(),
        shards: held_by.iter().map(shard).collect(),
    }
}

#[test]
fn spread_plans_lawfully_for_every_goal() {
    let plugin = placement(runtime().load(&built("spread")));
    let plan = |cluster: &Cluster, goal| -> Vec<(u32, Option<u32>, u32)> {
        let moves = plugin.plan(cluster, &goal).unwrap();
        moves.iter().map(|m| (m.shard, m.source, m.target)).collect()
    };
    let new = |s, t| (s, None, t);
    assert_eq!(
        plan(&cluster(3, &[&[], &[], &[]]), Goal::Place),
        [new(0, 0), new(0, 1), new(1, 2), new(1, 0), new(2, 1), new(2, 2)]
    );
    let held = cluster(3, &[&[0, 1], &[0, 2]]);
    assert_eq!(plan(&held, Goal::Drain(vec![0])), [(0, Some(0), 2), (1, Some(0), 1)]);
    let crowded = cluster(3, &[&[0, 1], &[0, 1]]);
    assert_eq!(plan(&crowded, Goal::Rebalance), [(0, Some(0), 2)]);
}

#[test]
fn a_large_cluster_is_planned_in_time() {
    let empty: Vec<&[u32]> = vec![&[]; 1_000];
    let plugin = placement(runtime().load(&built("spread")));
    assert_eq!(plugin.plan(&cluster(100, &empty), &Goal::Place).unwrap().len(), 2_000);
    // All is on two of the nodes: the host is to ask again.
    let crowded: Vec<&[u32]> = vec![&[0, 1]; 5_000];
    assert_eq!(plugin.plan(&cluster(100, &crowded), &Goal::Rebalance).unwrap().len(), 1_000);
}
