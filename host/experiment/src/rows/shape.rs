//! Configurations of a table.

use rand::seq::SliceRandom;
use ringwright_testbed::{schema, shards};
use serde_json::{Value, json};

use crate::Lab;

/// Keys of a shard, as the paper has them; more where a run has more rows.
const SHARD: u64 = 4096;

/// A configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub shards: u64,
    pub servers: u64,
    pub replicas: u64,
    /// Whether servers hold the shards as in the paper's example, and not as the policy places.
    pub as_papers: bool,
}

/// What the assignment calls the default.
impl Default for Shape {
    fn default() -> Self {
        Shape { shards: 4, servers: 6, replicas: 3, as_papers: false }
    }
}

impl Shape {
    /// The paper's own: three servers, three shards, two copies of each.
    pub fn papers() -> Self {
        Shape { shards: 3, servers: 3, replicas: 2, as_papers: true }
    }

    fn size(&self, lab: &Lab) -> u64 {
        SHARD.max((lab.scope.requests as u64).div_ceil(self.shards))
    }

    /// How many rows there is room for.
    pub fn room(&self, lab: &Lab) -> u64 {
        self.shards * self.size(lab)
    }

    /// The payload of `/init`.
    pub fn init(&self, lab: &Lab) -> Value {
        let mut init = json!({"N": self.servers, "schema": schema(), "replicas": self.replicas,
            "shards": shards(self.shards, self.size(lab))});
        if self.as_papers {
            init["servers"] = json!({"Server0": ["sh1", "sh2"], "Server1": ["sh2", "sh3"],
                "Server2": ["sh1", "sh3"]});
        }
        init
    }

    /// What it is called.
    pub fn name(&self) -> String {
        let Shape { shards, servers, replicas, .. } = self;
        format!("{shards} shards, {servers} servers, {replicas} replicas")
    }
}

/// Distinct keys over all shards, in an order that is drawn.
pub(crate) fn keys(lab: &Lab, shape: &Shape, count: usize) -> Vec<u64> {
    let mut keys: Vec<u64> = (0..shape.room(lab)).collect();
    keys.shuffle(&mut lab.random(1));
    keys.truncate(count);
    keys
}
