//! {{name}}: a copy goes to the server that holds the fewest.

mod bindings;

use bindings::{Cluster, Description, Goal, Guest, Move};

/// How well a node suits as the next holder of a copy: of those that may have it, the lowest gets
/// it. This is the policy; all else is what the contract asks of any.
fn rank(board: &Board, node: u32) -> usize {
    board.load(node)
}

/// The plugin.
pub struct Plugin;

impl Guest for Plugin {
    fn describe() -> Description {
        Description {
            name: "{{name}}".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "A copy goes to the server that holds the fewest".into(),
            reference: "Where the idea comes from: a paper, an address".into(),
            // What an operator may set. The values come with each question, as texts.
            settings: Vec::new(),
        }
    }

    /// The moves that reach the goal. The host checks each against those before it, and refuses a
    /// plan that stops short while there is room.
    fn plan(
        cluster: Cluster,
        goal: Goal,
        _settings: Vec<(String, String)>,
    ) -> Result<Vec<Move>, String> {
        let mut board = Board::of(cluster);
        Ok(match goal {
            Goal::Place => place(&mut board),
            Goal::Drain(leaving) => drain(&mut board, &leaving),
            // Moves toward balance. None is always lawful; each costs a copy of a shard.
            Goal::Rebalance => Vec::new(),
        })
    }
}

/// Gives every shard its first copy, then its second, and so on: where room is short, none goes
/// without while another has two.
fn place(board: &mut Board) -> Vec<Move> {
    let mut moves = Vec::new();
    let most = board.cluster.shards.iter().map(|s| s.copies).max().unwrap_or(0);
    for copies in 1..=most {
        for shard in 0..board.holders.len() {
            let wanted = copies.min(board.cluster.shards[shard].copies) as usize;
            if board.holders[shard].len() < wanted {
                moves.extend(board.give(shard, None, &[]));
            }
        }
    }
    moves
}

/// Moves every copy off the nodes that leave, to others than these.
fn drain(board: &mut Board, leaving: &[u32]) -> Vec<Move> {
    let mut moves = Vec::new();
    for shard in 0..board.holders.len() {
        for &source in leaving {
            if board.holders[shard].contains(&source) {
                moves.extend(board.give(shard, Some(source), leaving));
            }
        }
    }
    moves
}

/// The cluster as the moves so far leave it.
struct Board {
    cluster: Cluster,
    /// The nodes that hold a copy of each shard.
    holders: Vec<Vec<u32>>,
}

impl Board {
    fn of(cluster: Cluster) -> Self {
        let holders =
            cluster.shards.iter().map(|s| s.held_by.iter().map(|h| h.node).collect()).collect();
        Board { cluster, holders }
    }

    /// How many copies a node holds.
    fn load(&self, node: u32) -> usize {
        self.holders.iter().filter(|nodes| nodes.contains(&node)).count()
    }

    /// Whether a node may get a copy: it accepts, has room, and holds none of this shard.
    fn takes(&self, node: u32, shard: usize) -> bool {
        let told = &self.cluster.nodes[node as usize];
        let has_room = told.capacity.is_none_or(|most| self.load(node) < most as usize);
        told.accepts && has_room && !self.holders[shard].contains(&node)
    }

    /// A copy for the best of the nodes that may have it, in place of the one that `source` holds.
    fn give(&mut self, shard: usize, source: Option<u32>, except: &[u32]) -> Option<Move> {
        let nodes = self.cluster.nodes.len();
        // Of equals each shard prefers another, so that not all go to the first.
        let after = |node: u32| (node as usize + nodes - shard % nodes) % nodes;
        let target = (0..nodes as u32)
            .filter(|node| self.takes(*node, shard) && !except.contains(node))
            .min_by_key(|node| (rank(self, *node), after(*node)))?;
        let reason = format!("it holds {} copies", self.load(target));
        self.holders[shard].retain(|node| Some(*node) != source);
        self.holders[shard].push(target);
        Some(Move { shard: shard as u32, source, target, reason, gain: 1.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bindings::{Holder, Node, Server, Shard};

    /// Nodes with room for `capacity` copies each, and shards that should have two copies each
    /// and are held by these nodes.
    fn cluster(nodes: u32, capacity: Option<u32>, shards: &[&[u32]]) -> Cluster {
        let server = |id| Server { id, name: format!("Server{id}"), weight: 1, labels: Vec::new() };
        let node = |id| Node { server: server(id), accepts: true, requests: None, capacity };
        let shard = |held: &&[u32]| Shard {
            id: "sh".into(),
            size: 4096,
            rows: None,
            bytes: None,
            requests: None,
            copies: 2,
            held_by: held.iter().map(|&node| Holder { node, in_sync: true }).collect(),
        };
        let shards = shards.iter().map(shard).collect();
        Cluster { nodes: (1..=nodes).map(node).collect(), shards }
    }

    fn targets(cluster: Cluster, goal: Goal) -> Vec<(u32, u32)> {
        let moves = Plugin::plan(cluster, goal, Vec::new()).unwrap();
        moves.iter().map(|m| (m.shard, m.target)).collect()
    }

    #[test]
    fn every_shard_gets_its_copies_and_every_node_its_part() {
        let placed = targets(cluster(3, None, &[&[], &[], &[]]), Goal::Place);
        assert_eq!(placed, [(0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0)]);
    }

    #[test]
    fn where_room_is_short_no_shard_goes_without() {
        let placed = targets(cluster(3, Some(1), &[&[], &[], &[]]), Goal::Place);
        assert_eq!(placed, [(0, 0), (1, 1), (2, 2)]);
    }

    #[test]
    fn a_node_that_leaves_gives_its_copies_to_those_that_hold_none() {
        let moved = targets(cluster(3, None, &[&[0, 1], &[0, 2]]), Goal::Drain(vec![0]));
        assert_eq!(moved, [(0, 2), (1, 1)]);
    }
}
