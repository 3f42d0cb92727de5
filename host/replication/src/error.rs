//! What can go wrong, as seen by whoever asked.

use ringwright_metadata::MetadataError;
use ringwright_model::Key;
use ringwright_wire::{Refusal, WireError};

use crate::{NotInCharge, Protocol};

/// Why a cluster could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The metadata store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The data was written by the rules of another protocol.
    #[error(
        "this cluster runs by the {} protocol: start it with that, or on an empty data folder",
        match kept { Protocol::Safe => "safe", Protocol::Paper => "paper" }
    )]
    Protocol {
        /// By the rules of this one.
        kept: Protocol,
    },
}

/// Why a write was not done.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum WriteError {
    /// There is no schema yet.
    #[error("the database is not configured")]
    NotConfigured,
    /// A key that no shard holds.
    #[error("key {0} belongs to no shard")]
    NoShard(Key),
    /// Two changes of one key in one request.
    #[error("key {0} is given twice")]
    KeyTwice(Key),
    /// A key that exists, or does not.
    #[error("key {} stands in the way", .0.key)]
    Refused(Refusal),
    /// Too few replicas in sync to take the write; nothing was written.
    #[error("shard '{shard}' has {in_sync} replicas in sync that answer, {needed} are needed")]
    Unavailable {
        /// The shard.
        shard: String,
        /// Those that answered.
        in_sync: usize,
        /// What `min_in_sync` asks for.
        needed: usize,
    },
    /// More writes wait than can be kept; nothing was written.
    #[error("too many writes wait to be done")]
    Overloaded,
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// Another balancer may be in charge. Nothing was written.
    #[error(transparent)]
    NotInCharge(#[from] NotInCharge),
    /// Another balancer has taken charge before the metadata store told what became of the commit.
    #[error("whether the write was done is unknown: {0}")]
    Unknown(String),
    /// The metadata store refused, or could not be asked. The write was not done.
    #[error("{0}")]
    Metadata(String),
    /// The write was abandoned by a fault of ours.
    #[error("whether the write was done is unknown: it was abandoned")]
    Abandoned,
}

/// Why a read had no answer.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReadError {
    /// There is no schema yet.
    #[error("the database is not configured")]
    NotConfigured,
    /// No replica in sync answered.
    #[error("shard '{0}' has no replica in sync that answers")]
    Unavailable(String),
    /// Another balancer may be in charge.
    #[error(transparent)]
    NotInCharge(#[from] NotInCharge),
}

/// Why the cluster could not be changed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ClusterError {
    /// No server of that name.
    #[error("server '{0}' is not in the cluster")]
    NoServer(String),
    /// No shard of that name.
    #[error("shard '{0}' is not in the cluster")]
    NoShard(String),
    /// A shard or a server of that name is there already.
    #[error("'{0}' is in the cluster already")]
    Exists(String),
    /// A server that is not running, or not adopted.
    #[error("server '{0}' is not reachable")]
    Away(String),
    /// The last replica in sync may not go.
    #[error("shard '{shard}' would be left without a replica in sync: '{server}' is the last")]
    LastReplica {
        /// The shard.
        shard: String,
        /// The server that was to go.
        server: String,
    },
    /// A server came back with another disk than the one that has the last replica in sync.
    #[error(
        "server '{server}' came back with another database, but the last replica in sync of \
         shard '{shard}' is in the one it had"
    )]
    LastDisk {
        /// The shard.
        shard: String,
        /// The server.
        server: String,
    },
    /// The database of a server is that of another one.
    #[error("server '{server}' has the database of server '{other}'")]
    SameDatabase {
        /// The server.
        server: String,
        /// Whose it is.
        other: String,
    },
    /// The replica is to be one no more, or its source is none in sync any more.
    #[error("the copy of shard '{shard}' to server '{server}' was given up: {why}")]
    JoinEnded {
        /// The shard.
        shard: String,
        /// The server it was copied to.
        server: String,
        /// Why.
        why: &'static str,
    },
    /// Nobody to copy from.
    #[error("shard '{0}' has no replica in sync to copy from")]
    NoSource(String),
    /// A server failed.
    #[error("server '{server}': {error}")]
    Server {
        /// Which.
        server: String,
        /// How.
        error: WireError,
    },
    /// The metadata store failed.
    #[error("{0}")]
    Metadata(String),
    /// Another balancer has taken charge before the metadata store told what became of the change.
    #[error("whether the change was made is unknown: {0}")]
    Unknown(String),
    /// The change was abandoned by a fault of ours.
    #[error("whether the change was made is unknown: it was abandoned")]
    Abandoned,
    /// Another balancer may be in charge. The change was not made.
    #[error(transparent)]
    NotInCharge(#[from] NotInCharge),
}

/// What a commit says.
impl From<MetadataError> for ClusterError {
    fn from(e: MetadataError) -> Self {
        match e {
            MetadataError::ChargeLost { .. } => ClusterError::NotInCharge(NotInCharge),
            MetadataError::Unavailable(why) => ClusterError::Unknown(why),
            other => ClusterError::Metadata(other.to_string()),
        }
    }
}

/// What a commit says.
impl From<MetadataError> for WriteError {
    fn from(e: MetadataError) -> Self {
        match e {
            MetadataError::ChargeLost { .. } => WriteError::NotInCharge(NotInCharge),
            MetadataError::Unavailable(why) => WriteError::Unknown(why),
            other => WriteError::Metadata(other.to_string()),
        }
    }
}
