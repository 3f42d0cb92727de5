//! What a plan may do.
//!
//! A policy proposes; this decides whether its proposal may be carried out. A move adds a copy
//! before it takes one away, so a shard never has fewer copies than it had.

use std::collections::BTreeSet;

use crate::{Cluster, Goal, Move, Node};

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

/// What a plan leaves undone although it could be done.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("shard {shard} {lacks}, and node {node} has room for one")]
pub(crate) struct Short {
    shard: u32,
    lacks: Lack,
    /// That could take it.
    node: u32,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Lack {
    #[error("lacks a copy")]
    Copy,
    #[error("has a copy left on node {0}, which leaves")]
    Left(u32),
}

/// Why a plan may not be carried out.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Unlawful(#[from] Unlawful),
    #[error(transparent)]
    Short(#[from] Short),
}

/// Checks a plan move by move, each after those before it, and that it goes as far as it can.
pub(crate) fn check(cluster: &Cluster, goal: &Goal, moves: &[Move]) -> Result<(), Fault> {
    let mut state = State::of(cluster);
    moves.iter().zip(1..).try_for_each(|(m, position)| {
        fits(goal, m)
            .and_then(|()| state.apply(cluster, m))
            .map_err(|breach| Unlawful { position, breach })
    })?;
    Ok(state.reached(cluster, goal)?)
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
            cluster.shards.iter().map(|s| s.held_by.iter().map(|c| c.node).collect()).collect();
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

    /// Whether the goal is reached as far as there is room.
    fn reached(&self, cluster: &Cluster, goal: &Goal) -> Result<(), Short> {
        let leaving: &[u32] = if let Goal::Drain(nodes) = goal { nodes } else { &[] };
        let open: Vec<u32> = (0..)
            .zip(cluster.nodes.iter().zip(&self.loads))
            .filter(|(i, (node, load))| has_room(node, **load) && !leaving.contains(i))
            .map(|(i, _)| i)
            .collect();
        for (shard, (wanted, held)) in (0..).zip(cluster.shards.iter().zip(&self.held)) {
            let lacks = match goal {
                Goal::Place if held.len() < wanted.copies as usize => Lack::Copy,
                Goal::Drain(nodes) => match nodes.iter().find(|n| held.contains(n)) {
                    Some(node) => Lack::Left(*node),
                    None => continue,
                },
                Goal::Place | Goal::Rebalance => continue,
            };
            if let Some(&node) = open.iter().find(|n| !held.contains(n)) {
                return Err(Short { shard, lacks, node });
            }
        }
        Ok(())
    }
}

fn has_room(node: &Node, load: u32) -> bool {
    node.accepts && node.capacity.is_none_or(|most| load < most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Holder, PlacedShard, ServerInfo};

    /// Three nodes; shard 0 on nodes 0 and 1, shard 1 on node 0; both should have two copies.
    fn cluster() -> Cluster {
        let node = |id: u32| Node {
            server: ServerInfo::new(id, "s"),
            accepts: true,
            requests: None,
            capacity: None,
        };
        let shard = |held_by: &[u32]| PlacedShard {
            id: "sh".into(),
            size: 0,
            rows: None,
            bytes: None,
            requests: None,
            copies: 2,
            held_by: held_by.iter().map(|&node| Holder { node, in_sync: true }).collect(),
        };
        Cluster { nodes: (1..=3).map(node).collect(), shards: vec![shard(&[0, 1]), shard(&[0])] }
    }

    fn step(shard: u32, source: Option<u32>, target: u32) -> Move {
        Move { shard, source, target, reason: String::new(), gain: 1.0 }
    }

    fn breach(cluster: &Cluster, goal: &Goal, moves: &[Move]) -> Result<(), (usize, Breach)> {
        match check(cluster, goal, moves) {
            Err(Fault::Unlawful(e)) => Err((e.position, e.breach)),
            Ok(()) | Err(Fault::Short(_)) => Ok(()),
        }
    }

    fn short(cluster: &Cluster, goal: &Goal, moves: &[Move]) -> Option<Short> {
        match check(cluster, goal, moves) {
            Ok(()) => None,
            Err(Fault::Short(short)) => Some(short),
            Err(e) => unreachable!("{e}"),
        }
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
    fn a_copy_that_could_be_placed_is_placed() {
        let mut c = cluster();
        let lacks = |node| Some(Short { shard: 1, lacks: Lack::Copy, node });
        assert_eq!(short(&c, &Goal::Place, &[]), lacks(1));
        assert_eq!(short(&c, &Goal::Place, &[step(1, None, 2)]), None);
        c.nodes[1].accepts = false;
        assert_eq!(short(&c, &Goal::Place, &[]), lacks(2));
        c.nodes[2].capacity = Some(0);
        assert_eq!(short(&c, &Goal::Place, &[]), None, "there is no room");
    }

    #[test]
    fn a_node_that_could_be_drained_is_drained() {
        let mut c = cluster();
        let drain = Goal::Drain(vec![0]);
        let left = |shard, node| Some(Short { shard, lacks: Lack::Left(0), node });
        assert_eq!(short(&c, &drain, &[]), left(0, 2));
        assert_eq!(short(&c, &drain, &[step(0, Some(0), 2)]), left(1, 1));
        assert_eq!(short(&c, &drain, &[step(0, Some(0), 2), step(1, Some(0), 1)]), None);
        assert_eq!(short(&c, &Goal::Drain(vec![0, 1, 2]), &[]), None, "nobody stays");
        c.nodes[1].accepts = false;
        c.nodes[2].capacity = Some(1);
        assert_eq!(short(&c, &drain, &[step(0, Some(0), 2)]), None, "there is no more room");
    }

    #[test]
    fn balance_need_not_be_reached() {
        assert_eq!(short(&cluster(), &Goal::Rebalance, &[]), None);
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
