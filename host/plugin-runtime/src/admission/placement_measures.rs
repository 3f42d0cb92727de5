//! How good a placement policy is, and what it takes.

use ringwright_ring::Balance;

use super::clusters;
use super::cost::{nanoseconds, shortest};
use super::placement::carry_out;
use super::score::{BALANCE, MOVES, at_most};
use super::sitting::Sitting;
use super::trial::{Doing as _, Fault, Trial};
use crate::{CallError, Cluster, Goal, PlacementPlugin};

const NODES: u32 = 4;
const SHARDS: usize = 12;

pub(super) fn take(sitting: &mut Sitting<PlacementPlugin>, trial: &mut Trial) -> Result<(), Fault> {
    let empty = || clusters::of(NODES, vec![Vec::new(); SHARDS], 2);
    let plan = || sitting.fresh_plan(&empty(), &Goal::Place);
    trial.cost.plan_ns = shortest(3, plan)?.map(nanoseconds);
    trial.cost.start_ns = shortest(3, || sitting.start())?.map(nanoseconds);

    // All of them lack both copies; then each lacks one, and two nodes hold the others.
    let half = clusters::of(NODES, (0..SHARDS).map(|i| vec![i as u32 % 2]).collect(), 2);
    for (name, cluster) in [("place", empty()), ("place_more", half)] {
        let peak = placed(sitting, cluster)?;
        trial.measures.push(at_most(BALANCE, format!("peak_to_mean_after_{name}"), peak, 1.0));
    }
    trial.cost.memory_bytes = sitting.look(|instance| instance.memory_bytes() as u64);

    // Two nodes hold all there is. Half of it must move, and no more.
    let mut crowded = clusters::of(NODES, vec![vec![0, 1]; SHARDS], 2);
    let moves = sitting.rebalance(&mut crowded)?.len() as f64;
    let name = "peak_to_mean_after_rebalance".to_owned();
    trial.measures.push(at_most(BALANCE, name, peak_to_mean(&crowded), 1.0));
    let name = "moves_to_rebalance".to_owned();
    trial.measures.push(at_most(MOVES, name, Some(moves), SHARDS as f64));
    Ok(())
}

fn placed(
    sitting: &mut Sitting<PlacementPlugin>,
    mut cluster: Cluster,
) -> Result<Option<f64>, Fault> {
    let moves = match sitting.fresh_plan(&cluster, &Goal::Place) {
        Err(CallError::Refused(_)) => return Ok(None),
        moves => moves.doing("asked to place, to be measured")?,
    };
    carry_out(&mut cluster, &moves);
    Ok(peak_to_mean(&cluster))
}

/// Of copies on nodes.
fn peak_to_mean(cluster: &Cluster) -> Option<f64> {
    let copies = |node| cluster.shards.iter().filter(|s| s.is_on(node)).count() as u64;
    let loads: Vec<u64> = (0..).zip(&cluster.nodes).map(|(node, _)| copies(node)).collect();
    Balance::even(&loads).map(|balance| balance.peak_to_mean)
}
