//! A placement policy that proposes few moves, each worth its while and explained.
//!
//! It takes one move after the other off the most loaded server that has one worth making: the
//! move after which the more loaded of its two servers carries the least. A move's gain is by how
//! much that falls, as a multiple of the mean load; below a threshold nothing moves. New copies,
//! and those of servers that leave, go where `least-loaded` puts them.

use ringwright_plugin::Policy;
use ringwright_plugin::board::{Board, Pick};
use ringwright_plugin::load::{Load, Step, lightest, step};
use ringwright_plugin::placement::{Cluster, Description, Goal, Move, Setting};
use ringwright_plugin::settings::number;

/// The plugin.
pub struct GreedyRebalance;

impl Policy for GreedyRebalance {
    fn describe() -> Description {
        let setting = |name: &str, summary: &str, default: &str| Setting {
            name: name.into(),
            summary: summary.into(),
            default: default.into(),
        };
        Description {
            name: "greedy-rebalance".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Few moves toward balance, the best first, each with its gain in figures"
                .into(),
            reference: "Greedy local search; Aggarwal, Motwani and Zhu 2003, The load rebalancing \
                        problem"
                .into(),
            settings: vec![
                setting(
                    "threshold",
                    "The least gain of a move, as a part of the mean load: from 0.001 to 100",
                    "0.1",
                ),
                setting("moves", "The most moves at a time: from 1 to 1000", "5"),
            ],
        }
    }

    fn plan(
        cluster: Cluster,
        goal: Goal,
        settings: Vec<(String, String)>,
    ) -> Result<Vec<Move>, String> {
        let threshold = number(&settings, "threshold", 0.001..=100.0)?;
        let most = number(&settings, "moves", 1..=1_000)?;
        let mut board = Board::of(&cluster, Load::measured(&cluster));
        match goal {
            Goal::Place => board.place(lightest),
            Goal::Drain(nodes) => board.drain(&nodes, lightest),
            Goal::Rebalance => rebalance(&mut board, threshold, most),
        }
        Ok(board.into_moves())
    }
}

ringwright_plugin::export_placement!(GreedyRebalance);

fn rebalance(board: &mut Board, threshold: f64, most: usize) {
    for _ in 0..most {
        let Some(step) = step(board, threshold, |_, _, _| true) else { break };
        let pick = Pick { node: step.target, reason: reason(board, &step) };
        board.apply(step.shard, Some(step.source), pick, step.gain());
    }
}

/// What it is for, and what it costs.
fn reason(board: &Board, step: &Step) -> String {
    match board.shard(step.shard).bytes {
        Some(bytes) => format!("{step}; it copies {bytes} bytes"),
        None => step.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use ringwright_plugin::testing::placement::{
        Outcome, carry_out, carry_out_with, keeps_the_law, nodes, set, settings, shards,
    };

    use super::*;

    /// All is on the first of four nodes.
    fn crowded() -> Cluster {
        Cluster { nodes: nodes(4), shards: shards(1, &[&[0][..]; 8]) }
    }

    fn rebalanced(cluster: Cluster, name: &str, value: &str) -> Outcome {
        let mut settings = settings::<GreedyRebalance>();
        set(&mut settings, name, value);
        carry_out_with::<GreedyRebalance>(cluster, &Goal::Rebalance, settings)
    }

    #[test]
    fn moves_are_few_and_each_is_explained() {
        let moves = carry_out::<GreedyRebalance>(crowded(), &Goal::Rebalance).moves;
        assert_eq!(moves.len(), 5);
        // Of 8 copies, 2 are the mean: from 4 times it to 3.5.
        assert_eq!((moves[0].source, moves[0].gain), (Some(0), 0.5));
        assert_eq!(
            moves[0].reason,
            "Its holder carries 4.00 times the mean and this one 0.00; then 3.50 and 0.50"
        );
        assert_eq!(rebalanced(crowded(), "moves", "2").moves.len(), 2);
    }

    #[test]
    fn the_best_move_comes_first() {
        let mut cluster = crowded();
        let rows = [1, 5, 60, 1, 20, 3, 4, 6];
        for (shard, rows) in cluster.shards.iter_mut().zip(rows) {
            (shard.rows, shard.bytes) = (Some(rows), Some(rows * 100));
        }
        let moves = carry_out::<GreedyRebalance>(cluster, &Goal::Rebalance).moves;
        assert_eq!(moves[0].shard, 2);
        assert!(moves[0].reason.ends_with("copies 6000 bytes"), "{}", moves[0].reason);
    }

    #[test]
    fn below_the_threshold_nothing_moves() {
        let nearly = || Cluster { nodes: nodes(2), shards: shards(1, &[&[0], &[0], &[0], &[1]]) };
        // Of 4 copies, 2 are the mean: from 1.5 times it to 1.
        assert_eq!(rebalanced(nearly(), "threshold", "0.5").moves.len(), 1);
        assert_eq!(rebalanced(nearly(), "threshold", "0.51").steps(), []);
        let even = Cluster { nodes: nodes(2), shards: shards(1, &[&[0], &[1]]) };
        assert_eq!(rebalanced(even, "threshold", "0.001").steps(), []);
    }

    #[test]
    fn what_cannot_be_set_is_named() {
        for (name, value) in [("threshold", "0"), ("threshold", "NaN"), ("moves", "0")] {
            let mut settings = settings::<GreedyRebalance>();
            set(&mut settings, name, value);
            let refusal = GreedyRebalance::plan(crowded(), Goal::Place, settings);
            assert!(refusal.is_err_and(|e| e.contains(name)), "{name} {value}");
        }
    }

    #[test]
    fn its_plans_are_lawful() {
        keeps_the_law::<GreedyRebalance>();
    }
}
