//! What a plan may do.
//!
//! A policy proposes; this decides whether its proposal may be carried out. A move adds a copy
//! before it takes one away, so a shard never has fewer copies than it had.

use std::collections::BTreeSet;

use crate::{Cluster, Goal, Move};

/// What is wrong with a plan: a move, and why.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("move {position}: {breach}")]
pub(crate) struct Unlawful {
    /// Of the move in the plan, from 1.
    position: usize,
    breach: Breach,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Breach {
    #[error("there is no shard {0}")]
    NoShard(u32),
    #[error("there is no node {0}")]
    NoNode(u32),
    #[error("node {0} accepts nothing")]
    Closed(u32),
    #[error("node {0} is full")]
    Full(u32),
    #[error("node {0} holds a copy already")]
    Twice(u32),
    #[error("node {0} holds no copy to give up")]
    Nothing(u32),
    #[error("node {0} would give up what it is only about to get")]
    Onward(u32),
    #[error("the shard would have more copies than it should")]
    TooMany,
    #[error("this goal takes no copy away")]
    Takes,
    #[error("this goal adds no copy")]
    Adds,
    #[error("node {0} is not one of those that leave")]
    Stays(u32),
    #[error("node {0} is one of those that leave")]
    Leaves(u32),
    #[error("the gain is no number")]
    Gain,
}

/// Checks a plan move by move, each after those before it.
pub(crate) fn check(cluster: &Cluster, goal: &Goal, moves: &[Move]) -> Result<(), Unlawful> {
    let mut state = State::of(cluster);
    moves.iter().zip(1..).try_for_each(|(m, position)| {
        fits(goal, m)
            .and_then(|()| state.apply(cluster, m))
            .map_err(|breach| Unlawful { position, breach })
    })
}

/// Whether it is a move such a goal may have.
fn fits(goal: &Goal, m: &Move) -> Result<(), Breach> {
    if !m.gain.is_finite() {
        return Err(Breach::Gain);
    }
    match (goal, m.source) {
        (Goal::Place, None) | (Goal::Rebalance, Some(_)) => Ok(()),
        (Goal::Place, Some(_)) => Err(Breach::Takes),
        (Goal::Drain(_) | Goal::Rebalance, None) => Err(Breach::Adds),
        (Goal::Drain(nodes), Some(source)) if !nodes.contains(&source) => {
            Err(Breach::Stays(source))
        }
        (Goal::Drain(nodes), Some(_)) if nodes.contains(&m.target) => Err(Breach::Leaves(m.target)),
        (Goal::Drain(_), Some(_)) => Ok(()),
    }
}

/// Who holds what, as the moves so far leave it.
struct State {
    held: Vec<BTreeSet<u32>>,
    /// What a node got by this plan it does not give up again: so a plan ends.
    got: BTreeSet<(u32, u32)>,
    loads: Vec<u32>,
}

impl State {
    fn of(cluster: &Cluster) -> Self {
        let held: Vec<BTreeSet<u32>> =
            cluster.shards.iter().map(|s| s.held_by.iter().copied().collect()).collect();
        let load = |node: u32| held.iter().map(|h| u32::from(h.contains(&node))).sum();
        let loads = (0..).zip(&cluster.nodes).map(|(node, _)| load(node)).collect();
        State { held, got: BTreeSet::new(), loads }
    }

    fn apply(&mut self, cluster: &Cluster, m: &Move) -> Result<(), Breach> {
        let (Some(shard), Some(held)) =
            (cluster.shards.get(m.shard as usize), self.held.get_mut(m.shard as usize))
        else {
            return Err(Breach::NoShard(m.shard));
        };
        let (Some(target), Some(load)) =
            (cluster.nodes.get(m.target as usize), self.loads.get_mut(m.target as usize))
        else {
            return Err(Breach::NoNode(m.target));
        };
        if !target.accepts {
            return Err(Breach::Closed(m.target));
        }
        if target.capacity.is_some_and(|most| *load >= most) {
            return Err(Breach::Full(m.target));
        }
        if held.contains(&m.target) {
            return Err(Breach::Twice(m.target));
        }
        match m.source {
            None if held.len() >= shard.copies as usize => return Err(Breach::TooMany),
            None => {}
            Some(source) if self.got.contains(&(m.shard, source)) => {
                return Err(Breach::Onward(source));
            }
            Some(source) if !held.remove(&source) => return Err(Breach::Nothing(source)),
            Some(_) => {}
        }
        held.insert(m.target);
        self.got.insert((m.shard, m.target));
        *load += 1;
        if let Some(load) = m.source.and_then(|s| self.loads.get_mut(s as usize)) {
            *load = load.saturating_sub(1);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Node, PlacedShard, ServerInfo};

    /// Three nodes; shard 0 on nodes 0 and 1, shard 1 on node 0; both should have two copies.
    fn cluster() -> Cluster {
        let node = |id: u32| Node {
            server: ServerInfo::new(id, "s"),
            accepts: true,
            rows: 0,
            requests: 0.0,
            capacity: None,
        };
        let shard = |held_by: &[u32]| PlacedShard {
            id: "sh".into(),
            size: 0,
            rows: 0,
            requests: 0.0,
            copies: 2,
            held_by: held_by.to_vec(),
        };
        Cluster { nodes: (1..=3).map(node).collect(), shards: vec![shard(&[0, 1]), shard(&[0])] }
    }

    fn step(shard: u32, source: Option<u32>, target: u32) -> Move {
        Move { shard, source, target, reason: String::new(), gain: 1.0 }
    }

    fn breach(cluster: &Cluster, goal: &Goal, moves: &[Move]) -> Result<(), (usize, Breach)> {
        check(cluster, goal, moves).map_err(|e| (e.position, e.breach))
    }

    #[test]
    fn a_lawful_plan_passes() {
        let c = cluster();
        assert_eq!(breach(&c, &Goal::Place, &[step(1, None, 2)]), Ok(()));
        let drain = Goal::Drain(vec![0]);
        assert_eq!(breach(&c, &drain, &[step(0, Some(0), 2), step(1, Some(0), 1)]), Ok(()));
        assert_eq!(breach(&c, &Goal::Rebalance, &[step(0, Some(0), 2)]), Ok(()));
    }

    #[test]
    fn what_is_not_there_is_named() {
        let c = cluster();
        let place = |m| breach(&c, &Goal::Place, &[m]);
        assert_eq!(place(step(2, None, 0)), Err((1, Breach::NoShard(2))));
        assert_eq!(place(step(1, None, 3)), Err((1, Breach::NoNode(3))));
        let rebalance = |m| breach(&c, &Goal::Rebalance, &[m]);
        assert_eq!(rebalance(step(1, Some(1), 2)), Err((1, Breach::Nothing(1))));
        assert_eq!(rebalance(step(1, Some(9), 2)), Err((1, Breach::Nothing(9))));
    }

    #[test]
    fn no_node_holds_two_copies() {
        let c = cluster();
        assert_eq!(breach(&c, &Goal::Place, &[step(1, None, 0)]), Err((1, Breach::Twice(0))));
        let same = step(0, Some(0), 0);
        assert_eq!(breach(&c, &Goal::Rebalance, &[same]), Err((1, Breach::Twice(0))));
        let mut wants = cluster();
        wants.shards[1].copies = 3;
        let twice = [step(1, None, 2), step(1, None, 2)];
        assert_eq!(breach(&wants, &Goal::Place, &twice), Err((2, Breach::Twice(2))));
    }

    #[test]
    fn nodes_get_no_more_than_they_take() {
        let mut c = cluster();
        c.nodes[2].accepts = false;
        assert_eq!(breach(&c, &Goal::Place, &[step(1, None, 2)]), Err((1, Breach::Closed(2))));
        let mut c = cluster();
        c.nodes[2].capacity = Some(1);
        let two = [step(0, Some(0), 2), step(1, Some(0), 2)];
        assert_eq!(breach(&c, &Goal::Rebalance, &two), Err((2, Breach::Full(2))));
    }

    #[test]
    fn a_move_away_makes_room() {
        let mut c = cluster();
        c.nodes[0].capacity = Some(2);
        c.nodes[1].capacity = Some(1);
        let full = [step(1, Some(0), 1)];
        assert_eq!(breach(&c, &Goal::Rebalance, &full), Err((1, Breach::Full(1))));
        let swapped = [step(0, Some(1), 2), step(1, Some(0), 1)];
        assert_eq!(breach(&c, &Goal::Rebalance, &swapped), Ok(()));
    }

    #[test]
    fn goals_bound_what_a_plan_may_do() {
        let c = cluster();
        let drain = Goal::Drain(vec![0]);
        for (goal, m, expected) in [
            (&Goal::Place, step(1, Some(0), 2), Breach::Takes),
            (&Goal::Place, step(0, None, 2), Breach::TooMany),
            (&Goal::Rebalance, step(1, None, 2), Breach::Adds),
            (&drain, step(1, None, 2), Breach::Adds),
            (&drain, step(0, Some(1), 2), Breach::Stays(1)),
            (&Goal::Drain(vec![0, 2]), step(1, Some(0), 2), Breach::Leaves(2)),
        ] {
            assert_eq!(breach(&c, goal, &[m]), Err((1, expected)));
        }
    }

    #[test]
    fn a_copy_does_not_move_twice() {
        let onward = [step(1, Some(0), 1), step(1, Some(1), 2)];
        assert_eq!(breach(&cluster(), &Goal::Rebalance, &onward), Err((2, Breach::Onward(1))));
    }

    #[test]
    fn a_gain_is_a_number() {
        let m = Move { gain: f64::NAN, ..step(1, None, 2) };
        assert_eq!(breach(&cluster(), &Goal::Place, &[m]), Err((1, Breach::Gain)));
    }
}
