//! A placement policy that spreads copies: those of one shard go to different zones where there
//! are such, and else to the servers that hold the fewest.
//!
//! It counts copies, not rows or requests, and breaks ties by position, so that whoever reads a
//! plan can follow it with a finger.

mod places;

use places::Places;
use ringwright_plugin::board::{Board, Pick};
use ringwright_plugin::load::{Load, Step, step};
use ringwright_plugin::placement::{Cluster, Description, Goal, Move, Setting};
use ringwright_plugin::{Policy, settings};

/// The plugin.
pub struct Spread;

impl Policy for Spread {
    fn describe() -> Description {
        Description {
            name: "spread".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Copies of a shard go to different zones, and to the servers that hold the \
                      fewest"
                .into(),
            reference: "Least-loaded-first greedy placement under anti-affinity".into(),
            settings: vec![Setting {
                name: "apart".into(),
                summary: "The label of which copies of one shard should have different values; \
                          servers without it are one place"
                    .into(),
                default: "zone".into(),
            }],
        }
    }

    fn plan(
        cluster: Cluster,
        goal: Goal,
        settings: Vec<(String, String)>,
    ) -> Result<Vec<Move>, String> {
        let places = Places::by(settings::text(&settings, "apart")?, &cluster.nodes);
        let mut board = Board::of(&cluster, Load::counted(&cluster));
        let pick = |board: &Board, shard, nodes: &[u32]| pick(&places, board, shard, nodes);
        match goal {
            Goal::Place => board.place(pick),
            Goal::Drain(nodes) => board.drain(&nodes, pick),
            Goal::Rebalance => {
                part(&places, &mut board);
                level(&places, &mut board);
            }
        }
        Ok(board.into_moves())
    }
}

ringwright_plugin::export_placement!(Spread);

/// The node in whose place are the fewest copies of the shard; of these, the one that holds the
/// fewest of any.
fn pick(places: &Places, board: &Board, shard: u32, nodes: &[u32]) -> Option<Pick> {
    let near = |node| places.copies_near(board, shard, None, node);
    let copies = |node| board.held(node).len();
    let node = nodes.iter().copied().min_by_key(|&node| (near(node), copies(node)))?;
    let (near, copies) = (near(node), copies(node));
    let reason = format!("{near} copies of the shard are near it, and it holds {copies} in all");
    Some(Pick { node, reason })
}

/// Moves copies that are near another of their shard to places that have none.
fn part(places: &Places, board: &mut Board) {
    for shard in board.shards() {
        for source in board.holders(shard).to_vec() {
            let near = |node| places.copies_near(board, shard, Some(source), node);
            if near(source) == 0 || board.is_full() {
                continue;
            }
            let free = board.candidates(shard, &[]).into_iter().filter(|&n| near(n) == 0);
            if let Some(node) = free.min_by_key(|&node| board.held(node).len()) {
                let reason = format!("{} copies are near each other there", near(source) + 1);
                board.apply(shard, Some(source), Pick { node, reason }, 1.0);
            }
        }
    }
}

/// Moves copies from the most to the least loaded, as long as they differ by two or more. The gain
/// is how many copies they differ by.
fn level(places: &Places, board: &mut Board) {
    let allows = |board: &Board, shard, source, target| {
        let near = |node| places.copies_near(board, shard, Some(source), node);
        near(target) <= near(source)
    };
    // One copy is a part of the mean that only rounding makes smaller.
    let least = |board: &Board| 0.5 / board.mean();
    while let Some(step) = step(board, least(board), |s, from, to| allows(board, s, from, to)) {
        let Step { shard, source, target: node, .. } = step;
        let [from, to] = [source, node].map(|n| board.held(n).len());
        let reason = format!("{from} copies there, {to} here");
        board.apply(shard, Some(source), Pick { node, reason }, from as f64 - to as f64);
    }
}

#[cfg(test)]
mod tests;
