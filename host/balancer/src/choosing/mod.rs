//! Choosing other plugins: what it would change, the swap itself, and the way back from one that
//! fails.
//!
//! A hash function's rings are there before any request goes by them: a swap replaces one
//! pointer. Requests under way finish on the function they began with.

mod bill;
mod fall_back;
mod upload;

pub use bill::{Bill, HashBill, PlacementBill, ServerShare};
pub use upload::UploadError;

use std::sync::Arc;

use ringwright_events::tell;
use ringwright_metadata::Change;
use ringwright_plugin_runtime::{HashPlugin, PlacementPlugin};
use ringwright_replication::ClusterError;

use crate::Balancer;
use crate::brain::{Active, BrainError, Pick};
use crate::routing::{LayoutError, Prepared};
use crate::shaping::ShapeError;

/// What is to be made active.
#[derive(Clone, Debug, Default)]
pub struct Picks {
    /// The hash function, where it is to be another.
    pub hash: Option<Pick>,
    /// The placement policy, where it is to be another.
    pub placement: Option<Pick>,
    /// Whether even what is out of service may be.
    pub force: bool,
}

/// Why a plugin was not made active.
#[derive(Debug, thiserror::Error)]
pub enum ChooseError {
    /// There is no such plugin.
    #[error(transparent)]
    Brain(#[from] BrainError),
    /// The hash function failed when it was tried.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The placement policy failed when it was tried.
    #[error(transparent)]
    Placement(#[from] ShapeError),
    /// The choice could not be written down.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// There can be no more threads.
    #[error("a shadow needs a thread: {0}")]
    Thread(std::io::Error),
}

/// What was found and tried.
struct Found {
    hash: Option<Prepared>,
    placement: Option<Active<PlacementPlugin>>,
}

impl Balancer {
    /// Makes plugins active: both or none.
    ///
    /// Once begun it must be let end: between the record and the swap nothing may be dropped.
    ///
    /// # Errors
    /// Where there are none of these names, or they fail; then nothing was changed.
    pub async fn choose(&self, picks: &Picks) -> Result<(), ChooseError> {
        // Found first: it may take seconds, in which whoever falls back must not wait.
        let hash = match &picks.hash {
            Some(pick) => Some(self.brain.find(pick, picks.force).await?),
            None => None,
        };
        let placement = match &picks.placement {
            Some(pick) => Some(self.brain.find(pick, picks.force).await?),
            None => None,
        };
        let _one = self.choosing.lock().await;
        let hash = match hash {
            Some(found) => Some(self.prepare(found).await?),
            None => None,
        };
        self.use_these(Found { hash, placement }).await?;
        Ok(())
    }

    /// Has a second hash function see what the active one does, from now on and in place of the
    /// one that does now; or none.
    ///
    /// # Errors
    /// Where there is none of that name, or it fails.
    pub async fn shadow(&self, pick: Option<&Pick>) -> Result<(), ChooseError> {
        let Some(pick) = pick else {
            if let Some(ended) = self.router.end_shadow() {
                tell!(self.cluster.events(), INFO, ShadowEnded,
                    plugin = ended.hash.choice.name.as_str(); "a shadow was ended");
            }
            return Ok(());
        };
        let found = self.brain.find::<HashPlugin>(pick, false).await?;
        let _one = self.choosing.lock().await;
        // What could not become active need not be watched.
        let prepared = self.prepare(found).await?;
        self.router.start_shadow(prepared).map_err(ChooseError::Thread)?;
        tell!(self.cluster.events(), INFO, ShadowBegun, plugin = pick.name.as_str();
            "a hash function is in the shadow of the active one");
        Ok(())
    }

    /// Tries a hash function on what requests will need of it first.
    pub(crate) async fn prepare(&self, hash: Active<HashPlugin>) -> Result<Prepared, LayoutError> {
        let view = self.cluster.view();
        let shards: Vec<_> = view.shards.iter().map(|s| s.in_sync.clone()).collect();
        self.router.prepare(hash, &self.live(), &shards).await
    }

    async fn use_these(&self, Found { hash, placement }: Found) -> Result<(), ClusterError> {
        let mut changes = Vec::new();
        changes.extend(placement.as_ref().map(|p| Change::PlacementPlugin(p.choice.clone())));
        changes.extend(hash.as_ref().map(|h| Change::HashPlugin(h.choice().clone())));
        self.cluster.record(changes).await?;
        if let Some(hash) = hash {
            let hash = self.router.adopt(hash);
            tell!(self.cluster.events(), INFO, PluginSwapped, plugin = hash.choice.name.as_str(),
                of = "hash", digest = hash.choice.digest.as_str(); "hash function swapped");
            self.brain.use_hash(Arc::clone(&hash));
            self.record_ring().await;
        }
        if let Some(placement) = placement {
            tell!(self.cluster.events(), INFO, PluginSwapped,
                plugin = placement.choice.name.as_str(), of = "placement",
                digest = placement.choice.digest.as_str(); "placement policy swapped");
            self.brain.use_placement(placement);
        }
        Ok(())
    }
}
