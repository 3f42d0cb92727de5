//! What can go wrong between balancer and shard server.

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
    /// A batch or an import from before what the server has already seen.
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
    /// No answer: refused, broken, or not in time. Whether it was done is unknown.
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
    /// The HTTP status that carries it: 400, 404, 409 or 503.
    pub fn http_status(&self) -> u16 {
        match self {
            WireError::BadRequest { .. } => 400,
            WireError::NotHeld { .. } => 404,
            WireError::Epoch { .. }
            | WireError::Incarnation
            | WireError::Stale { .. }
            | WireError::BelowSafePoint { .. } => 409,
            WireError::Storage { .. } | WireError::Unreachable { .. } => 503,
        }
    }
}
