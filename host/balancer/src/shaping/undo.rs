//! Taking a change back that could not be finished.

use futures::future::join_all;

use crate::Balancer;

impl Balancer {
    /// Takes new copies, as (shard, server), and new servers out of the cluster again.
    pub(super) async fn take_back(&self, copies: &[(String, String)], servers: &[String]) {
        for (shard, server) in copies {
            if let Err(error) = self.cluster.leave(shard, server).await {
                tracing::warn!(shard, server, %error, "a copy could not be taken back");
            }
        }
        if servers.is_empty() {
            return;
        }
        match self.cluster.remove_servers(servers).await {
            Ok(()) => self.dismiss(servers.iter().map(String::as_str)).await,
            Err(error) => tracing::warn!(%error, "new servers could not be taken back"),
        }
    }

    /// Ends servers that do not belong to the cluster, data and all.
    pub(super) async fn dismiss<'a>(&self, names: impl Iterator<Item = &'a str>) {
        join_all(names.map(|name| async move {
            // Whoever is bringing it back is waited for: what he starts must be ended too.
            let _turn = self.fleet.turn(name).await;
            // Another balancer may have one of that name by now, with rows in it.
            if self.cluster.charge().check().is_err() {
                return tracing::warn!(server = name, "not in charge: a server is not removed");
            }
            if let Err(error) = self.fleet.remove(name).await {
                tracing::warn!(server = name, %error, "a server could not be removed");
            }
        }))
        .await;
    }
}
