//! A placement policy that spreads copies: they go where the fewest are.
//!
//! It counts copies, not rows or requests, and breaks ties by position, so that whoever reads a
//! plan can follow it with a finger.

mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "placement-plugin" });
    #[cfg(target_arch = "wasm32")]
    export!(Spread with_types_in self);
    #[cfg(target_arch = "wasm32")]
    use super::Spread;
}

mod board;

pub use bindings::exports::ringwright::plugin::placement::{
    Cluster, Description, Goal, Guest, Holder, Move, Node, Server, Shard,
};
use board::Board;

/// The plugin.
pub struct Spread;

impl Guest for Spread {
    fn describe() -> Description {
        Description {
            name: "spread".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Copies go to the servers that hold the fewest".into(),
            reference: "Least-loaded-first greedy placement".into(),
            settings: Vec::new(),
        }
    }

    fn plan(
        cluster: Cluster,
        goal: Goal,
        _settings: Vec<(String, String)>,
    ) -> Result<Vec<Move>, String> {
        let mut board = Board::of(&cluster);
        Ok(match goal {
            Goal::Place => place(&cluster, &mut board),
            Goal::Drain(nodes) => drain(&nodes, &mut board),
            Goal::Rebalance => rebalance(&mut board),
        })
    }
}

/// Shard by shard, so that the loads never differ by more than they did at first. Where room is
/// short, a second copy leaves enough of it for the shards that have none.
fn place(cluster: &Cluster, board: &mut Board) -> Vec<Move> {
    let mut moves = Vec::new();
    for (shard, wanted) in (0..).zip(&cluster.shards) {
        while board.copies(shard) < wanted.copies as usize {
            if board.copies(shard) > 0 && board.room() <= board.bare(&cluster.shards) {
                break;
            }
            let Some(target) = board.least_loaded(shard, &[]) else { break };
            let reason =
                format!("of those without a copy it holds the fewest: {}", board.load(target));
            board.give(shard, target);
            moves.push(Move { shard, source: None, target, reason, gain: 1.0 });
        }
    }
    moves
}

fn drain(nodes: &[u32], board: &mut Board) -> Vec<Move> {
    let mut moves = Vec::new();
    for &source in nodes {
        for shard in board.held_by(source) {
            let Some(target) = board.least_loaded(shard, nodes) else { continue };
            let reason =
                format!("its holder leaves; this one holds the fewest: {}", board.load(target));
            board.shift(shard, source, target);
            moves.push(Move { shard, source: Some(source), target, reason, gain: 1.0 });
        }
    }
    moves
}

/// From the most to the least loaded. The gain is how many copies they differ by.
fn rebalance(board: &mut Board) -> Vec<Move> {
    let mut moves = Vec::new();
    while let Some((shard, source, target)) = board.steepest() {
        let (from, to) = (board.load(source), board.load(target));
        let reason = format!("{from} copies there, {to} here");
        board.shift(shard, source, target);
        let gain = (from - to) as f64;
        moves.push(Move { shard, source: Some(source), target, reason, gain });
    }
    moves
}

#[cfg(test)]
mod tests;
