//! What can go wrong with the metadata.

use ringwright_model::Epoch;

/// Why the metadata store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// Another balancer has taken charge: nothing was changed, and this one must stop.
    #[error("epoch {epoch} is no longer in charge of the cluster")]
    ChargeLost {
        /// The epoch that was in charge.
        epoch: Epoch,
    },
    /// What is stored, or what was asked, cannot be: nothing was changed, and asking again will
    /// not help.
    #[error("metadata: {0}")]
    Corrupt(String),
    /// The database failed; whether the change was made is unknown.
    #[error("metadata store: {0}")]
    Storage(#[from] sqlx::Error),
    /// Anything else that left the outcome unknown.
    #[error("metadata store: {0}")]
    Unavailable(String),
}
