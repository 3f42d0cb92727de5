//! A placement policy by load: copies go to the server that then carries the least for its weight.
//!
//! A copy costs what it holds in rows and its part of its shard's requests, as far as the host
//! knows them; with nothing known, copies are counted.

use ringwright_plugin::Policy;
use ringwright_plugin::board::{Board, Pick};
use ringwright_plugin::load::{Load, lightest, step};
use ringwright_plugin::placement::{Cluster, Description, Goal, Move};

/// A move must take this part of the mean load off the more loaded of its two servers: a shard is
/// not copied for less.
const LEAST_GAIN: f64 = 0.01;

/// The plugin.
pub struct LeastLoaded;

impl Policy for LeastLoaded {
    fn describe() -> Description {
        Description {
            name: "least-loaded".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Copies go to the servers that carry the least in rows and requests".into(),
            reference: "Graham 1969, Bounds on multiprocessing timing anomalies".into(),
            settings: Vec::new(),
        }
    }

    fn plan(
        cluster: Cluster,
        goal: Goal,
        _settings: Vec<(String, String)>,
    ) -> Result<Vec<Move>, String> {
        let mut board = Board::of(&cluster, Load::measured(&cluster));
        match goal {
            Goal::Place => board.place(lightest),
            Goal::Drain(nodes) => board.drain(&nodes, lightest),
            Goal::Rebalance => {
                while let Some(step) = step(&board, LEAST_GAIN, |_, _, _| true) {
                    let pick = Pick { node: step.target, reason: step.to_string() };
                    board.apply(step.shard, Some(step.source), pick, step.gain());
                }
            }
        }
        Ok(board.into_moves())
    }
}

ringwright_plugin::export_placement!(LeastLoaded);

#[cfg(test)]
mod tests {
    use ringwright_plugin::testing::placement::{carry_out, keeps_the_law, nodes, shards};

    use super::*;

    /// Three nodes; shards of one copy, of so many rows and requests.
    fn cluster(of: &[(Option<u64>, Option<f64>, &[u32])]) -> Cluster {
        let held_by: Vec<&[u32]> = of.iter().map(|(.., held)| *held).collect();
        let mut shards = shards(1, &held_by);
        for (shard, (rows, requests, _)) in shards.iter_mut().zip(of) {
            (shard.rows, shard.requests) = (*rows, *requests);
        }
        Cluster { nodes: nodes(3), shards }
    }

    #[test]
    fn with_nothing_known_copies_are_counted() {
        let cluster = Cluster { nodes: nodes(3), shards: shards(2, &[&[], &[0], &[]]) };
        assert_eq!(carry_out::<LeastLoaded>(cluster, &Goal::Place).copies, [2, 2, 2]);
    }

    #[test]
    fn rows_count() {
        let held = cluster(&[
            (Some(900), None, &[0]),
            (Some(100), None, &[1]),
            (Some(100), None, &[1]),
            (Some(500), None, &[2]),
            (Some(10), None, &[]),
        ]);
        // By copies it would be node 0.
        assert_eq!(carry_out::<LeastLoaded>(held, &Goal::Place).steps(), [(4, None, 1)]);
    }

    #[test]
    fn requests_count() {
        let of = |requests, held: &'static [u32]| (None, Some(requests), held);
        let held = cluster(&[of(9.0, &[0]), of(1.0, &[1]), of(1.0, &[1]), of(5.0, &[2])]);
        let outcome = carry_out::<LeastLoaded>(held, &Goal::Drain(vec![2]));
        assert_eq!(outcome.steps(), [(3, Some(2), 1)]);
    }

    #[test]
    fn what_is_not_known_counts_as_the_mean() {
        let rows = |rows, held: &'static [u32]| (rows, None, held);
        let some = Some;
        let held = [
            rows(some(200), &[0][..]),
            rows(None, &[1]),
            rows(some(400), &[2]),
            rows(some(1), &[]),
        ];
        // 200 rows, some 200.3 and 400.
        assert_eq!(carry_out::<LeastLoaded>(cluster(&held), &Goal::Place).steps(), [(3, None, 0)]);
    }

    #[test]
    fn weights_are_heeded_and_none_is_a_last_resort() {
        let mut cluster = Cluster { nodes: nodes(3), shards: shards(1, &[&[][..]; 8]) };
        cluster.nodes[0].server.weight = 3;
        cluster.nodes[2].server.weight = 0;
        let copies = carry_out::<LeastLoaded>(cluster.clone(), &Goal::Place).copies;
        assert_eq!(copies, [6, 2, 0]);
        cluster.nodes[0].accepts = false;
        cluster.nodes[1].accepts = false;
        assert_eq!(carry_out::<LeastLoaded>(cluster, &Goal::Place).copies, [0, 0, 8]);
    }

    #[test]
    fn rebalancing_parts_what_is_crowded() {
        let of = |rows, held: &'static [u32]| (Some(rows), None, held);
        let crowded = [of(600, &[0][..]), of(300, &[0]), of(100, &[0])];
        let outcome = carry_out::<LeastLoaded>(cluster(&crowded), &Goal::Rebalance);
        assert_eq!(outcome.copies, [1, 1, 1]);
        assert!(outcome.moves[0].reason.contains("times the mean"), "{}", outcome.moves[0].reason);
        assert!(outcome.moves.iter().all(|m| m.gain >= LEAST_GAIN));
    }

    #[test]
    fn its_plans_are_lawful() {
        keeps_the_law::<LeastLoaded>();
    }
}
