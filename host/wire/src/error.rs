//! What can go wrong between balancer and shard server.

use std::time::Duration;

use ringwright_model::{Epoch, Term};
use serde::{Deserialize, Serialize};

/// Why a request to a shard server had no good answer.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum WireError {
    /// The server has been adopted in another epoch than the request's.
    #[error("the server is in epoch {current}, the request came in epoch {given}")]
    Epoch {
        /// The server's.
        current: Epoch,
        /// The request's.
        given: Epoch,
    },
    /// The request means another database than the one here.
    #[error("the request means another database than this one")]
    Incarnation,
    /// The database belongs to another cluster.
    #[error("the server's data belongs to another cluster")]
    Cluster,
    /// A batch, an import or an assignment from before what the server has already seen.
    #[error("shard '{shard}': the request is older than what was already seen")]
    Stale {
        /// The shard.
        shard: String,
    },
    /// The shard's history does not reach back to the term asked for.
    #[error("shard '{shard}': history starts at term {safe_point}")]
    BelowSafePoint {
        /// The shard.
        shard: String,
        /// Where history starts.
        safe_point: Term,
    },
    /// The server does not hold the shard, or holds an unfinished copy.
    #[error("shard '{shard}' is not held here")]
    NotHeld {
        /// The shard.
        shard: String,
    },
    /// The server has another secret than the balancer.
    #[error("the server does not know this balancer's secret")]
    Secret,
    /// The request makes no sense.
    #[error("bad request: {message}")]
    BadRequest {
        /// What is wrong.
        message: String,
    },
    /// The server's database failed.
    #[error("storage: {message}")]
    Storage {
        /// What it said.
        message: String,
    },
    /// No answer in time, from a server that may be busy. Whether it was done is unknown.
    #[error("no answer within {limit_ms} ms")]
    Timeout {
        /// How long it was waited for.
        limit_ms: u64,
    },
    /// No answer: refused or broken. Whether it was done is unknown.
    #[error("unreachable: {message}")]
    Unreachable {
        /// What the network said.
        message: String,
    },
}

/// A refusal as the server's HTTP answer carries it.
#[derive(Debug, Serialize, Deserialize)]
pub struct RefusalBody {
    /// For people.
    pub message: String,
    /// Always `failure`.
    pub status: String,
    /// For the balancer.
    pub error: WireError,
}

impl WireError {
    /// The HTTP status that carries it: 400, 401, 404, 409 or 503.
    pub fn http_status(&self) -> u16 {
        match self {
            WireError::BadRequest { .. } => 400,
            WireError::Secret => 401,
            WireError::NotHeld { .. } => 404,
            WireError::Epoch { .. }
            | WireError::Incarnation
            | WireError::Cluster
            | WireError::Stale { .. }
            | WireError::BelowSafePoint { .. } => 409,
            WireError::Storage { .. }
            | WireError::Timeout { .. }
            | WireError::Unreachable { .. } => 503,
        }
    }

    /// That no answer came within `limit`.
    pub fn timeout(limit: Duration) -> Self {
        WireError::Timeout { limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) }
    }
}
