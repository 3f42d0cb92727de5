//! A placement policy by lot: each server draws a number for each shard, and of those that can
//! take a copy the highest gets it. The same seed draws the same.
//!
//! It is what other policies are to be compared with. It proposes no moves toward balance: where
//! chance put a copy, there it stays.

use ringwright_plugin::Policy;
use ringwright_plugin::board::{Board, Pick};
use ringwright_plugin::load::Load;
use ringwright_plugin::mix::mix;
use ringwright_plugin::placement::{Cluster, Description, Goal, Move, Setting};
use ringwright_plugin::settings::number;

/// The plugin.
pub struct Random;

impl Policy for Random {
    fn describe() -> Description {
        Description {
            name: "random".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Copies go to servers by lot, the same with the same seed".into(),
            reference: "Random placement, as a measure for others".into(),
            settings: vec![Setting {
                name: "seed".into(),
                summary: "Which draw it is: a number from 0 to 18446744073709551615".into(),
                default: "1".into(),
            }],
        }
    }

    fn plan(
        cluster: Cluster,
        goal: Goal,
        settings: Vec<(String, String)>,
    ) -> Result<Vec<Move>, String> {
        let seed = number(&settings, "seed", 0..=u64::MAX)?;
        let mut board = Board::of(&cluster, Load::counted(&cluster));
        let pick = |board: &Board, shard, nodes: &[u32]| pick(seed, board, shard, nodes);
        match goal {
            Goal::Place => board.place(pick),
            Goal::Drain(nodes) => board.drain(&nodes, pick),
            Goal::Rebalance => {}
        }
        Ok(board.into_moves())
    }
}

ringwright_plugin::export_placement!(Random);

/// Weights do not count, but that the board offers a server of weight 0 as a last resort.
fn pick(seed: u64, board: &Board, shard: u32, nodes: &[u32]) -> Option<Pick> {
    let fold = |seed, byte: u8| mix(seed ^ u64::from(byte));
    let lot = board.shard(shard).id.bytes().fold(mix(seed), fold);
    let draw = |&node: &u32| mix(lot ^ u64::from(board.node(node).server.id));
    let node = nodes.iter().copied().max_by_key(draw)?;
    Some(Pick { node, reason: format!("drawn of {} that can take it", nodes.len()) })
}

#[cfg(test)]
mod tests {
    use ringwright_plugin::testing::placement::{
        carry_out, carry_out_with, keeps_the_law, nodes, set, settings, shards,
    };

    use super::*;

    fn cluster() -> Cluster {
        Cluster { nodes: nodes(10), shards: shards(3, &[&[][..]; 200]) }
    }

    #[test]
    fn one_seed_is_one_draw() {
        let with = |seed| {
            let mut settings = settings::<Random>();
            set(&mut settings, "seed", seed);
            carry_out_with::<Random>(cluster(), &Goal::Place, settings).steps()
        };
        assert_eq!(with("7"), with("7"));
        assert_ne!(with("7"), with("8"));
    }

    #[test]
    fn every_server_gets_some() {
        let copies = carry_out::<Random>(cluster(), &Goal::Place).copies;
        assert!(copies.iter().all(|n| (40..80).contains(n)), "{copies:?}"); // 60 ± 6.5
    }

    #[test]
    fn the_order_of_the_nodes_does_not_matter() {
        let to = |cluster: Cluster| {
            let moves = carry_out::<Random>(cluster.clone(), &Goal::Place).moves;
            let id = |m: Move| (m.shard, cluster.nodes[m.target as usize].server.id);
            moves.into_iter().map(id).collect::<Vec<_>>()
        };
        let mut turned = cluster();
        turned.nodes.reverse();
        assert_eq!(to(cluster()), to(turned));
    }

    #[test]
    fn a_weight_of_nothing_is_a_last_resort() {
        let mut cluster = cluster();
        cluster.nodes[4].server.weight = 0;
        assert_eq!(carry_out::<Random>(cluster, &Goal::Place).copies[4], 0);
    }

    #[test]
    fn what_is_no_seed_is_refused() {
        let settings = vec![("seed".to_owned(), "x".to_owned())];
        let refusal = Random::plan(cluster(), Goal::Place, settings);
        assert!(refusal.is_err_and(|e| e.contains("'seed'")));
    }

    #[test]
    fn its_plans_are_lawful() {
        keeps_the_law::<Random>();
    }
}
