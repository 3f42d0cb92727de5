//! What the balancer and a shard server say to each other.
//!
//! [`ShardServer`] is the whole conversation. Two things implement it: [`HttpShardServer`],
//! the balancer's end of the network, and the storage inside a shard server, its other end.
//! Between them the replication core cannot tell the difference, so that tests can put
//! delays, losses and crashes there.

mod client;
mod error;
mod messages;
mod secret;

pub use client::HttpShardServer;
pub use error::{RefusalBody, WireError};
pub use messages::*;
pub use secret::{Secret, SecretError};

use async_trait::async_trait;

/// A shard server as the balancer sees it.
#[async_trait]
pub trait ShardServer: Send + Sync + 'static {
    /// Takes charge of the server for an epoch: it refuses every lower one from then on.
    async fn adopt(&self, request: Adopt) -> Result<Adopted, WireError>;
    /// Tells it which shards it holds in sync and up to which term, and which to forget.
    async fn assign(&self, request: Assign) -> Result<(), WireError>;
    /// Applies a batch of writes at the terms the balancer gave, in one transaction.
    async fn apply(&self, request: Apply) -> Result<Applied, WireError>;
    /// Answers rows as of a term; changes nothing.
    async fn read(&self, request: Read) -> Result<ReadAnswer, WireError>;
    /// One page of a shard's row versions, for a copy or for deltas.
    async fn export(&self, request: Export) -> Result<Page, WireError>;
    /// Takes one page of row versions into a replica that is joining.
    async fn import(&self, request: Import) -> Result<(), WireError>;
    /// Removes versions that no read can need any more.
    async fn collect(&self, request: Collect) -> Result<(), WireError>;
    /// Tells how much it holds of some shards; changes nothing.
    async fn measure(&self, request: Measure) -> Result<Measured, WireError>;
    /// One step of the paper's Algorithm 1 (lines 4 to 28); only with `--protocol paper`.
    async fn paper(&self, request: PaperStep) -> Result<PaperAnswer, WireError>;
    /// Answers while the server is alive, with the incarnation of its database.
    async fn heartbeat(&self) -> Result<String, WireError>;
}
