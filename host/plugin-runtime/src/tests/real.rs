//! The plugins that come with the project.

use ringwright_ring::{Layout, Table};

use crate::tests::support::{built, hash, placement, runtime, servers};
use crate::{CallError, Cluster, Goal, Node, PlacedShard};

/// How 10,000 requests fall on so many servers, every so many six-digit ids taken.
fn shares(plugin: &str, count: u32, step: usize) -> Vec<f64> {
    let plugin = hash(runtime().load(&built(plugin)));
    let layout = plugin.layout(&servers(count), 9, 512).unwrap();
    let table = Table::build(layout, count as usize, 512).unwrap();
    let ids: Vec<u64> = (100_000..=999_999).step_by(step).collect();
    let mut counts = vec![0.0; count as usize];
    for slot in plugin.slots(&ids, 512).unwrap() {
        counts[table.owner(slot).unwrap()] += 10_000.0 / ids.len() as f64;
    }
    counts
}

/// The plots are samples; a numbering other than theirs is off by hundreds.
fn near(got: &[f64], golden: &[f64], most: f64) {
    let near = got.iter().zip(golden).all(|(a, b)| (a - b).abs() < most);
    assert!(near && got.len() == golden.len(), "the plots say {golden:?}, this gives {got:?}");
}

#[test]
fn the_papers_plots_come_out_of_virtual_nodes() {
    near(&shares("virtual-node", 3, 1), &[8360.0, 480.0, 1160.0], 45.0);
    let six = [7240.0, 480.0, 920.0, 400.0, 550.0, 400.0];
    near(&shares("virtual-node", 6, 1), &six, 45.0);
}

#[test]
fn the_papers_plots_come_out_of_md5() {
    near(&shares("md5", 3, 37), &[2400.0, 2750.0, 4840.0], 150.0);
    let six = [1650.0, 2530.0, 750.0, 1465.0, 2530.0, 1075.0];
    near(&shares("md5", 6, 37), &six, 150.0);
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
    let node = |server| Node { server, accepts: true, rows: 0, requests: 0.0, capacity: None };
    let shard = |held: &&[u32]| PlacedShard {
        id: "sh".into(),
        size: 4096,
        rows: 0,
        requests: 0.0,
        copies: 2,
        held_by: held.to_vec(),
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
}
