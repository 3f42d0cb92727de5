//! `/add`: new servers, and new shards or copies of old ones on them.

use std::collections::HashSet;

use ringwright_model::{Shard, Sharding};
use ringwright_replication::{ClusterError, Expansion};

use super::init::{check_held, check_holdings};
use super::placing::Model;
use super::{NewServer, NewShard, ShapeError, names, shards};
use crate::Balancer;

/// What `/add` asks for.
#[derive(Clone, Debug, Default)]
pub struct AddPlan {
    /// Number of new servers.
    pub n: usize,
    /// The servers that are named, with their shards.
    pub servers: Vec<NewServer>,
    /// New shards.
    pub shards: Vec<NewShard>,
    /// Whether the placement policy is to give the new servers their shards, and new shards
    /// their servers, where the request does not.
    pub place: bool,
}

impl Balancer {
    /// Adds servers; answers their names.
    ///
    /// Copies of shards that exist are complete when this returns; reads and writes go on.
    ///
    /// # Errors
    /// Where the plan can't be right or a server does not start or copy; then nothing was
    /// changed.
    pub async fn add(&self, plan: AddPlan) -> Result<Vec<String>, ShapeError> {
        let _one = self.shaping.lock().await;
        let view = self.cluster.view();
        let invalid = |message: String| Err(ShapeError::Invalid(message));
        let existing: Vec<Shard> = view.shards.iter().map(|s| (*s.shard).clone()).collect();
        let new_shards = match (&view.schema, plan.shards.is_empty()) {
            (_, true) => Vec::new(),
            (None, false) => {
                return invalid("field 'new_shards': the database is not configured".into());
            }
            (Some(_), false) if view.sharding == Sharding::Modulo => {
                return invalid(
                    "field 'new_shards': with modulo sharding the number of shards is fixed".into(),
                );
            }
            (Some(schema), false) => {
                shards::check(view.sharding, schema.key_column(), &plan.shards, &existing)?
            }
        };
        let named: Vec<String> =
            plan.servers.iter().map(|(name, _)| names::fill_template(name)).collect();
        let servers = self.enlist(&view, "n", &named, plan.n)?;
        let old_ids: HashSet<&str> = existing.iter().map(|s| s.id.as_str()).collect();
        let new_ids = plan.shards.iter().map(|s| s.id.as_str());
        let ids = old_ids.iter().copied().chain(new_ids).collect();
        let mut replicas = check_holdings(&plan.servers, &named, &ids)?;
        if plan.place && view.schema.is_some() {
            let mut model = Model::of(&view);
            model.add_servers(&servers);
            model.add_shards(&plan.shards);
            replicas.iter().for_each(|(shard, server)| model.hold(shard, server));
            model.want(self.settings.replicas);
            replicas.extend(self.place(&model)?);
        }
        check_held(&plan.shards, &replicas)?;
        let (copies, firsts): (Vec<_>, Vec<_>) =
            replicas.into_iter().partition(|(shard, _)| old_ids.contains(shard.as_str()));
        let sourceless = |(shard, to): &&(String, String)| {
            view.shards.iter().any(|s| s.shard.id == *shard && !s.others_in_sync(to))
        };
        if let Some((shard, _)) = copies.iter().find(sourceless) {
            return Err(ClusterError::NoSource(shard.clone()).into());
        }
        let recruits = self.recruit(&servers).await?;
        let names: Vec<String> = servers.into_iter().map(|(_, name)| name).collect();
        let joining =
            Expansion { servers: recruits, replicas: copies.clone(), ..Expansion::default() };
        if let Err(e) = self.cluster.expand(joining).await {
            self.dismiss(names.iter().map(String::as_str)).await;
            return Err(e.into());
        }
        // New shards come last: once there they may be written to, and can't be taken back.
        let grown = async {
            self.copy_all(&copies).await?;
            let expansion =
                Expansion { shards: new_shards, replicas: firsts, ..Expansion::default() };
            self.cluster.expand(expansion).await.map_err(ShapeError::from)
        };
        if let Err(e) = grown.await {
            self.take_back(&copies, &names).await;
            return Err(e);
        }
        self.record_ring().await;
        tracing::info!(?names, "servers added");
        Ok(names)
    }

    /// Brings new copies into sync.
    pub(super) async fn copy_all(&self, copies: &[(String, String)]) -> Result<(), ShapeError> {
        let deadline = tokio::time::Instant::now() + self.settings.copy_timeout;
        for (shard, server) in copies {
            while let Err(e) = self.cluster.join(shard, server).await {
                if tokio::time::Instant::now() >= deadline {
                    return Err(e.into());
                }
                tracing::warn!(shard, server, error = %e, "a copy failed and is tried again");
                tokio::time::sleep(self.settings.heartbeat_interval).await;
            }
        }
        Ok(())
    }

    /// Undoes an addition that could not be finished.
    async fn take_back(&self, copies: &[(String, String)], names: &[String]) {
        for (shard, server) in copies {
            if let Err(error) = self.cluster.leave(shard, server).await {
                tracing::warn!(shard, server, %error, "a copy could not be taken back");
            }
        }
        match self.cluster.remove_servers(names).await {
            Ok(()) => self.dismiss(names.iter().map(String::as_str)).await,
            Err(error) => tracing::warn!(%error, "new servers could not be taken back"),
        }
    }
}
