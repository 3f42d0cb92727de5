//! Choosing other plugins.
//!
//! A hash function is tried first, and its rings are there before any request goes by them: a
//! swap replaces one pointer. Requests under way finish on the function they began with.

use std::sync::Arc;

use ringwright_metadata::Change;
use ringwright_replication::ClusterError;

use crate::Balancer;
use crate::brain::BrainError;
use crate::routing::LayoutError;

/// Why a plugin was not made active.
#[derive(Debug, thiserror::Error)]
pub enum ActivateError {
    /// There is no such plugin.
    #[error(transparent)]
    Brain(#[from] BrainError),
    /// The hash function failed when it was tried.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The choice could not be written down.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

impl Balancer {
    /// Makes the plugins of these names active: both or none.
    ///
    /// Once begun it must be let end: between the record and the swap nothing may be dropped.
    ///
    /// # Errors
    /// Where there are none of these names, or they fail; then nothing was changed.
    pub async fn activate(
        &self,
        hash: Option<&str>,
        placement: Option<&str>,
    ) -> Result<(), ActivateError> {
        let _one = self.choosing.lock().await;
        let mut changes = Vec::new();
        let placement = match placement {
            Some(name) => Some(self.brain.find_placement(name).await?),
            None => None,
        };
        changes.extend(placement.as_ref().map(|p| Change::PlacementPlugin(p.name.clone())));
        let hash = match hash {
            Some(name) => {
                let hash = self.brain.find_hash(name).await?;
                changes.push(Change::HashPlugin(hash.name.clone()));
                let view = self.cluster.view();
                let shards: Vec<_> = view.shards.iter().map(|s| s.in_sync.clone()).collect();
                Some(self.router.prepare(hash, &self.live(), &shards).await?)
            }
            None => None,
        };
        self.cluster.record(changes).await?;
        if let Some(hash) = hash {
            let hash = self.router.adopt(hash);
            tracing::info!(plugin = hash.name, "hash function swapped");
            self.brain.use_hash(Arc::clone(&hash));
            self.record_ring().await;
        }
        if let Some(placement) = placement {
            tracing::info!(plugin = placement.name, "placement policy swapped");
            self.brain.use_placement(placement);
        }
        Ok(())
    }
}
