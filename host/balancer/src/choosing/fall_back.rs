//! The way back from a plugin that is out of service.

use std::sync::Arc;
use std::time::Duration;

use ringwright_events::tell;

use super::Found;
use crate::Balancer;
use crate::brain::Trouble;

/// The pause before another try where the first did not work out.
const PAUSE: Duration = Duration::from_secs(1);

impl Balancer {
    /// Replaces plugins that fail too often by the last that behaved, for as long as it runs.
    pub async fn mind_the_brains(self: Arc<Self>) {
        loop {
            let trouble = self.brain.trouble().await;
            self.tell_trouble(&trouble);
            while !self.fall_back().await {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    fn tell_trouble(&self, Trouble { choice, kind, reason }: &Trouble) {
        let (plugin, digest) = (choice.name.as_str(), choice.digest.as_str());
        tell!(self.cluster.events(), ERROR, PluginOutOfService, plugin = plugin, of = *kind,
            digest = digest, reason = reason.as_str(); "a plugin is taken out of service");
        if self.router.shadow().is_some_and(|shadow| shadow.hash.choice.digest == digest) {
            tell!(self.cluster.events(), WARN, ShadowEnded, plugin = plugin;
                "a shadow has ended: its function failed");
        }
    }

    /// Whether nothing is left to be replaced that can be.
    async fn fall_back(&self) -> bool {
        let _one = self.choosing.lock().await;
        let mut found = Found { hash: None, placement: None };
        if self.brain.placement().faults.is_out() {
            found.placement = self.brain.other_placements().into_iter().next();
        }
        if self.brain.hash().faults.is_out() {
            for other in self.brain.other_hashes() {
                let plugin = other.choice.name.clone();
                match self.prepare(other).await {
                    Ok(prepared) => {
                        found.hash = Some(prepared);
                        break;
                    }
                    Err(error) => tracing::error!(plugin, %error, "nor can this one be used"),
                }
            }
        }
        let hash = found.hash.as_ref().map(|h| h.choice().name.clone());
        let placement = found.placement.as_ref().map(|p| p.choice.name.clone());
        if hash.is_none() && placement.is_none() {
            // Requests go on, evenly over the servers.
            return true;
        }
        match self.use_these(found).await {
            Ok(()) => {
                tracing::warn!(hash, placement, "fell back to the last plugins that behaved");
                true
            }
            Err(error) => {
                tracing::error!(%error, "could not fall back to the last plugins that behaved");
                self.cluster.charge().is_lost()
            }
        }
    }
}
