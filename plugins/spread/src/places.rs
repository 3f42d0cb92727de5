//! Which nodes fail together.

use std::collections::BTreeMap;

use ringwright_plugin::board::Board;
use ringwright_plugin::placement::Node;

/// The place of each node: one number for all that have one value of a label.
pub(crate) struct Places(Vec<usize>);

impl Places {
    /// By the values of a label. Nodes without it are one place: nothing says that they are apart.
    pub(crate) fn by(key: &str, nodes: &[Node]) -> Self {
        let mut numbers = BTreeMap::new();
        let mut place = |node| {
            let next = numbers.len();
            *numbers.entry(value(node, key)).or_insert(next)
        };
        Places(nodes.iter().map(&mut place).collect())
    }

    /// How many copies of a shard, not counting one's own, are in the place of a node.
    pub(crate) fn copies_near(
        &self,
        board: &Board,
        shard: u32,
        but: Option<u32>,
        node: u32,
    ) -> usize {
        let near = |&&h: &&u32| self.0[h as usize] == self.0[node as usize] && Some(h) != but;
        board.holders(shard).iter().filter(near).count()
    }
}

fn value<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    let labels = &node.server.labels;
    labels.iter().find(|(told, _)| told == key).map(|(_, value)| value.as_str())
}
