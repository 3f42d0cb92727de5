//! The cluster's configuration: what the metadata store keeps, and all that it keeps.

use serde::{Deserialize, Serialize};

use crate::{Attributes, Choice, Schema, Shard, Sharding};

/// The durable description of the cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterConfig {
    /// Drawn when the metadata was created: tells this cluster's databases from any other's.
    pub id: String,
    /// The protocol it runs by; `None` until the first balancer took charge.
    pub protocol: Option<Protocol>,
    /// `None` until `/init`.
    pub schema: Option<Schema>,
    /// How keys are dealt to shards.
    pub sharding: Sharding,
    /// ShardT, in the order `/init` and `/add` gave.
    pub shards: Vec<Shard>,
    /// The servers, in the order they joined.
    pub servers: Vec<Server>,
    /// MapT.
    pub replicas: Vec<Replica>,
    /// The active hash plugin, where one was chosen.
    pub hash_plugin: Option<Choice>,
    /// The active placement plugin, where one was chosen.
    pub placement_plugin: Option<Choice>,
}

impl ClusterConfig {
    /// The server of that name.
    pub fn server(&self, name: &str) -> Option<&Server> {
        self.servers.iter().find(|s| s.name == name)
    }

    /// The replicas of a shard.
    pub fn replicas_of<'a>(&'a self, shard: &'a str) -> impl Iterator<Item = &'a Replica> + 'a {
        self.replicas.iter().filter(move |r| r.shard == shard)
    }
}

/// A shard server that belongs to the cluster, running or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Its number, the one hash functions see: the smallest free from 1.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// The database it had when last seen; another one holds none of its data.
    pub incarnation: Option<String>,
    /// What the operator tells about it.
    pub attributes: Attributes,
}

/// A row of MapT: a copy of a shard on a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    /// The shard.
    pub shard: String,
    /// The server that holds the copy.
    pub server: String,
    /// Whether it may be read and must be written.
    pub state: ReplicaState,
}

/// Whether a replica holds everything that is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplicaState {
    /// It does: it serves reads and every write waits for it.
    InSync,
    /// It does not, or may not: it must catch up before it counts.
    OutOfSync,
    /// Nor can what it holds be built upon: it answered unlike the others, and must be copied
    /// anew.
    Diverged,
}

/// Whose algorithm decides what is committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// CAT-DAT-VAT made safe.
    #[default]
    Safe,
    /// The paper's Algorithm 1 as printed. It loses writes; it is there to be watched.
    Paper,
}
