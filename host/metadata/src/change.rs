//! The changes that can be made to the metadata.

use ringwright_model::{
    Attributes, Choice, Protocol, ReplicaState, Schema, Server, Shard, Sharding, Term,
};

/// One change; a list of them is one transaction.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Writes down by which protocol the cluster runs.
    Protocol(Protocol),
    /// Sets the schema and how keys are dealt to shards (`/init`).
    Schema(Schema, Sharding),
    /// Adds a shard to ShardT, after those there.
    AddShard(Shard),
    /// The commit point of a batch: raises a shard's VAT. Never lowers it.
    RaiseVat {
        /// The shard.
        shard: String,
        /// Its new VAT.
        vat: Term,
    },
    /// Adds a server, or writes down the new incarnation of one there is, and nothing else of it.
    PutServer(Server),
    /// Replaces what is told about a server.
    Attributes {
        /// The server.
        server: String,
        /// What is told.
        attributes: Attributes,
    },
    /// Removes a server and whatever MapT says of it.
    RemoveServer {
        /// Its name.
        name: String,
    },
    /// Adds a replica to MapT or sets its state.
    PutReplica {
        /// The shard.
        shard: String,
        /// The server.
        server: String,
        /// The state.
        state: ReplicaState,
    },
    /// Removes a replica from MapT.
    RemoveReplica {
        /// The shard.
        shard: String,
        /// The server.
        server: String,
    },
    /// Replaces the stored ring.
    Ring(Vec<RingPoint>),
    /// Writes down the active hash plugin.
    HashPlugin(Choice),
    /// Writes down the active placement plugin.
    PlacementPlugin(Choice),
    /// Keeps the answer of the request committed in this transaction; replaces none.
    Remember {
        /// The client's idempotency key.
        key: String,
        /// Digest of the request.
        fingerprint: String,
        /// The answer's body.
        answer: String,
    },
    /// Drops remembered answers older than so many seconds.
    Forget {
        /// Age in seconds.
        older_than_s: u64,
    },
}

/// A row of the ring table: a virtual node on its slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingPoint {
    /// The slot it stands on.
    pub slot: u32,
    /// Which of its server's virtual nodes it is.
    pub virtual_node: u32,
    /// The server's name.
    pub server: String,
}
