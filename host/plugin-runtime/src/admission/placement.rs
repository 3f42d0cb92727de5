//! What a placement policy must do.

use super::clusters;
use super::placement_measures;
use super::sitting::Sitting;
use super::trial::{Doing as _, Fault, LOADS, Trial};
use crate::placement::Instance;
use crate::{CallError, Cluster, Description, Goal, Holder, Move, PlacementPlugin};

/// Rebalancing again and again must come to an end after so many plans.
const ROUNDS: usize = 32;

pub(super) fn examine(plugin: &PlacementPlugin, trial: &mut Trial) -> Result<(), Fault> {
    let mut sitting = Sitting::of(plugin, plugin.about().granted.trial_deadline);
    trial.check(LOADS, |_| Ok(()))?;
    trial.check("describes_itself", |_| describes_itself(&mut sitting))?;
    let mut planned = vec![trial.check("plans", |_| plain(&mut sitting))?];
    for (check, cases) in [
        ("places", clusters::to_place()),
        ("drains", clusters::to_drain()),
        ("rebalances", clusters::to_rebalance()),
    ] {
        planned.extend(trial.check(check, |trial| plans(&mut sitting, trial, cases))?);
    }
    trial.check("plans_repeat", |_| plans_repeat(&mut sitting, &planned))?;
    trial.check("rebalancing_ends", |_| rebalancing_ends(&mut sitting))?;
    trial.check("measures", |trial| placement_measures::take(&mut sitting, trial))?;
    trial.check("still_describes_itself", |_| describes_itself(&mut sitting))
}

impl Sitting<'_, PlacementPlugin> {
    /// By an instance of its own, as plans are made.
    pub(super) fn fresh_plan(
        &mut self,
        cluster: &Cluster,
        goal: &Goal,
    ) -> Result<Vec<Move>, CallError> {
        self.renew();
        self.plan(cluster, goal)
    }

    fn plan(&mut self, cluster: &Cluster, goal: &Goal) -> Result<Vec<Move>, CallError> {
        let settings = self.plugin.settings();
        self.ask(|instance| instance.plan(cluster, goal, settings))
    }

    /// Rebalances until nothing more is proposed, and says which moves that took.
    pub(super) fn rebalance(&mut self, cluster: &mut Cluster) -> Result<Vec<Move>, Fault> {
        let mut all = Vec::new();
        for _ in 0..ROUNDS {
            let moves = match self.fresh_plan(cluster, &Goal::Rebalance) {
                Err(CallError::Refused(_)) => return Ok(all),
                moves => moves.doing("asked to rebalance again and again")?,
            };
            if moves.is_empty() {
                return Ok(all);
            }
            carry_out(cluster, &moves);
            all.extend(moves);
        }
        Err(Fault::Lied(format!("after {ROUNDS} plans it is still not done rebalancing")))
    }
}

/// A case and its plan; none where it says that it cannot.
type Planned = (Cluster, Goal, Option<Vec<Move>>);

fn describes_itself(sitting: &mut Sitting<PlacementPlugin>) -> Result<(), Fault> {
    let plugin = sitting.plugin;
    for _ in 0..2 {
        let told = sitting.ask(Instance::describe).doing("asked again what it is")?;
        if Description::try_from(told).as_ref() != Ok(plugin.description()) {
            return Err(Fault::Lied("it describes itself otherwise each time".to_owned()));
        }
    }
    Ok(())
}

/// What any policy can plan for.
fn plain(sitting: &mut Sitting<PlacementPlugin>) -> Result<Planned, Fault> {
    let (cluster, goal) = (clusters::plain(), Goal::Place);
    let moves = sitting.fresh_plan(&cluster, &goal);
    let moves = moves.doing(format!("asked to {}", task(&cluster, &goal)))?;
    Ok((cluster, goal, Some(moves)))
}

/// Plans, which are lawful; what it says it cannot is a limit.
fn plans(
    sitting: &mut Sitting<PlacementPlugin>,
    trial: &mut Trial,
    cases: Vec<(Cluster, Goal)>,
) -> Result<Vec<Planned>, Fault> {
    let plan = |(cluster, goal): (Cluster, Goal)| match sitting.fresh_plan(&cluster, &goal) {
        Err(CallError::Refused(why)) => {
            trial.cannot(&task(&cluster, &goal), &why);
            Ok((cluster, goal, None))
        }
        moves => {
            let moves = moves.doing(format!("asked to {}", task(&cluster, &goal)))?;
            Ok((cluster, goal, Some(moves)))
        }
    };
    cases.into_iter().map(plan).collect()
}

/// Whether an instance that has planned for others plans the same.
fn plans_repeat(sitting: &mut Sitting<PlacementPlugin>, planned: &[Planned]) -> Result<(), Fault> {
    for (cluster, goal, before) in planned {
        let again = match sitting.plan(cluster, goal) {
            Err(CallError::Refused(_)) => None,
            moves => Some(moves.doing(format!("asked again to {}", task(cluster, goal)))?),
        };
        if again != *before {
            let what = format!("asked again to {}, it plans otherwise", task(cluster, goal));
            return Err(Fault::Lied(what));
        }
    }
    Ok(())
}

fn rebalancing_ends(sitting: &mut Sitting<PlacementPlugin>) -> Result<(), Fault> {
    for (mut cluster, _) in clusters::to_rebalance() {
        sitting.rebalance(&mut cluster)?;
    }
    Ok(())
}

/// Carries out a plan that is lawful.
pub(super) fn carry_out(cluster: &mut Cluster, moves: &[Move]) {
    for m in moves {
        let Some(shard) = cluster.shards.get_mut(m.shard as usize) else { continue };
        shard.held_by.retain(|holder| Some(holder.node) != m.source);
        shard.held_by.push(Holder { node: m.target, in_sync: true });
    }
}

fn task(cluster: &Cluster, goal: &Goal) -> String {
    let (shards, nodes) = (cluster.shards.len(), cluster.nodes.len());
    match goal {
        Goal::Place => format!("place {shards} shards on {nodes} nodes"),
        Goal::Drain(leaving) => {
            format!("drain {} of {nodes} nodes of {shards} shards", leaving.len())
        }
        Goal::Rebalance => format!("rebalance {shards} shards on {nodes} nodes"),
    }
}
