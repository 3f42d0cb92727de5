//! The cluster as a plugin is shown it.

use crate::bindings::{hash, placement};
use crate::text::fit;

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerInfo {
    /// Its number, from 1; kept for as long as it belongs to the cluster.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its share relative to the others.
    pub weight: u32,
    /// Whatever the operator tells about it, such as its zone.
    pub labels: Vec<(String, String)>,
}

impl ServerInfo {
    /// A server like any other: of weight 1, without labels.
    pub fn new(id: u32, name: &str) -> Self {
        ServerInfo { id, name: name.to_owned(), weight: 1, labels: Vec::new() }
    }
}

/// A server and what it carries.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The server.
    pub server: ServerInfo,
    /// Whether it may be given more.
    pub accepts: bool,
    /// Requests a second it serves, where that is known.
    pub requests: Option<f64>,
    /// The most copies it may hold, where there is a limit.
    pub capacity: Option<u32>,
}

/// A shard and who holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedShard {
    /// Its name.
    pub id: String,
    /// Keys in its range, 0 where it has none.
    pub size: u64,
    /// Rows it holds, where that is known.
    pub rows: Option<u64>,
    /// Bytes a copy of it takes, where that is known.
    pub bytes: Option<u64>,
    /// Requests a second it gets, where that is known.
    pub requests: Option<f64>,
    /// How many copies there should be.
    pub copies: u32,
    /// Who holds one; each node once.
    pub held_by: Vec<Holder>,
}

/// Who holds a copy of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Position in the list of nodes.
    pub node: u32,
    /// Whether others can be copied from it.
    pub in_sync: bool,
}

impl PlacedShard {
    /// Whether a node holds a copy.
    pub fn is_on(&self, node: u32) -> bool {
        self.held_by.iter().any(|holder| holder.node == node)
    }
}

/// What a plan is made for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cluster {
    /// The servers.
    pub nodes: Vec<Node>,
    /// The shards.
    pub shards: Vec<PlacedShard>,
}

/// What a plan is to reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Give every shard the copies it lacks.
    Place,
    /// Move every copy off these nodes (positions).
    Drain(Vec<u32>),
    /// Move toward balance.
    Rebalance,
}

/// A copy of a shard that a node is to get.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// Position in the list of shards.
    pub shard: u32,
    /// The node that gives its copy up; `None` for a new copy.
    pub source: Option<u32>,
    /// The node that gets one.
    pub target: u32,
    /// Why, for people.
    pub reason: String,
    /// What it is worth, in the policy's own measure.
    pub gain: f64,
}

impl From<&ServerInfo> for hash::Server {
    fn from(s: &ServerInfo) -> Self {
        let (id, name, weight, labels) = (s.id, s.name.clone(), s.weight, s.labels.clone());
        hash::Server { id, name, weight, labels }
    }
}

impl From<&Cluster> for placement::Cluster {
    fn from(cluster: &Cluster) -> Self {
        placement::Cluster {
            nodes: cluster.nodes.iter().map(placement::Node::from).collect(),
            shards: cluster.shards.iter().map(placement::Shard::from).collect(),
        }
    }
}

impl From<&Node> for placement::Node {
    fn from(node: &Node) -> Self {
        placement::Node {
            server: (&node.server).into(),
            accepts: node.accepts,
            requests: node.requests,
            capacity: node.capacity,
        }
    }
}

impl From<&PlacedShard> for placement::Shard {
    fn from(shard: &PlacedShard) -> Self {
        placement::Shard {
            id: shard.id.clone(),
            size: shard.size,
            rows: shard.rows,
            bytes: shard.bytes,
            requests: shard.requests,
            copies: shard.copies,
            held_by: shard.held_by.iter().map(placement::Holder::from).collect(),
        }
    }
}

impl From<&Holder> for placement::Holder {
    fn from(holder: &Holder) -> Self {
        placement::Holder { node: holder.node, in_sync: holder.in_sync }
    }
}

impl From<&Goal> for placement::Goal {
    fn from(goal: &Goal) -> Self {
        match goal {
            Goal::Place => placement::Goal::Place,
            Goal::Drain(nodes) => placement::Goal::Drain(nodes.clone()),
            Goal::Rebalance => placement::Goal::Rebalance,
        }
    }
}

impl From<placement::Move> for Move {
    fn from(m: placement::Move) -> Self {
        let placement::Move { shard, source, target, reason, gain } = m;
        Move { shard, source, target, reason: fit(&reason), gain }
    }
}
