//! `/init`: the schema, the first shards and the servers that hold them.

use std::collections::HashSet;
use std::sync::Arc;

use ringwright_events::tell;
use ringwright_metadata::Change;
use ringwright_model::{Schema, Sharding};
use ringwright_replication::{Expansion, Member};

use super::placing::Model;
use super::{Names, NewServer, NewShard, ShapeError, shards};
use crate::Balancer;

const CALLED: Names = Names { count: "N", servers: "servers", shards: "shards" };

/// What `/init` asks for.
#[derive(Clone, Debug)]
pub struct InitPlan {
    /// Number of servers; the number of those named where it is left out.
    pub n: Option<usize>,
    /// The table.
    pub schema: Schema,
    /// How keys are dealt to shards.
    pub sharding: Sharding,
    /// The shards.
    pub shards: Vec<NewShard>,
    /// The servers that are named, with their shards.
    pub servers: Vec<NewServer>,
    /// How many copies of a shard are placed where placement is left to the policy.
    pub replicas: Option<u32>,
}

impl Balancer {
    /// Configures the database.
    ///
    /// # Errors
    /// Where it is configured already, or the plan can't be right, or a server does not start;
    /// then nothing was changed.
    pub async fn init(&self, plan: InitPlan) -> Result<(), ShapeError> {
        let _one = self.shaping.lock().await;
        let view = self.cluster.view();
        if view.schema.is_some() {
            return Err(ShapeError::Clash("the database is configured already".into()));
        }
        let invalid = |message: String| Err(ShapeError::Invalid(message));
        if let Err(e) = plan.schema.check() {
            return invalid(e.to_string());
        }
        if plan.shards.is_empty() {
            return invalid("field 'shards' is empty: a table needs at least one".into());
        }
        let key_column = plan.schema.key_column();
        let new_shards =
            shards::check(CALLED.shards, plan.sharding, key_column, &plan.shards, &[])?;
        let n = plan.n.unwrap_or(plan.servers.len());
        if n < plan.servers.len() {
            return invalid(format!("field 'N' is {n} but 'servers' names {}", plan.servers.len()));
        }
        if plan.replicas == Some(0) {
            return invalid("field 'replicas' must be at least 1".into());
        }
        let servers = self.enlist(&view, CALLED, &plan.servers, n).await?;
        let ids = plan.shards.iter().map(|s| s.id.as_str()).collect();
        let mut replicas = check_holdings(&plan.servers, &servers, &ids, ShapeError::Invalid)?;
        if n > plan.servers.len() {
            let mut model = Model::of(&view, &self.cluster.load().await);
            model.add_servers(&servers);
            model.add_shards(&plan.shards);
            replicas.iter().for_each(|(shard, server)| model.hold(shard, server));
            model.want(plan.replicas.unwrap_or(self.settings.replicas));
            replicas.extend(self.place(&model).await?);
        }
        check_held(&plan.shards, &replicas)?;
        let recruits = self.recruit(&servers).await?;
        let expansion = Expansion {
            schema: Some((plan.schema, plan.sharding)),
            servers: recruits,
            shards: new_shards,
            replicas,
        };
        if let Err(e) = self.cluster.expand(expansion).await {
            self.dismiss(servers.iter().map(|m| m.name.as_str())).await;
            return Err(e.into());
        }
        let choosing = self.choosing.lock().await;
        let (hash, placement) = (self.brain.hash(), self.brain.placement());
        let choices = vec![
            Change::HashPlugin(hash.choice.clone()),
            Change::PlacementPlugin(placement.choice.clone()),
        ];
        if let Err(error) = self.cluster.record(choices).await {
            // The database is configured all the same.
            tracing::warn!(%error, "the plugins in use could not be written down");
        }
        drop(choosing);
        self.record_ring().await;
        tell!(self.cluster.events(), INFO, ClusterInitialised, servers = n,
            shards = plan.shards.len(); "the database is configured");
        Ok(())
    }
}

/// Who is to hold what, as (shard, server), of a request's servers under the names they got. A
/// shard that there is not is told as `unknown`.
pub(super) fn check_holdings(
    servers: &[NewServer],
    enlisted: &[Arc<Member>],
    shard_ids: &HashSet<&str>,
    unknown: fn(String) -> ShapeError,
) -> Result<Vec<(String, String)>, ShapeError> {
    let mut replicas: Vec<(String, String)> = Vec::new();
    for (NewServer { name: given, shards, .. }, member) in servers.iter().zip(enlisted) {
        let mut held = HashSet::new();
        for shard in shards {
            if !shard_ids.contains(shard.as_str()) {
                let message = format!("field 'servers.{given}': shard '{shard}' is not defined");
                return Err(unknown(message));
            }
            if !held.insert(shard) {
                return Err(ShapeError::Invalid(format!(
                    "field 'servers.{given}': shard '{shard}' is given twice"
                )));
            }
            replicas.push((shard.clone(), member.name.clone()));
        }
    }
    Ok(replicas)
}

/// Checks that each new shard has a server.
pub(super) fn check_held(
    shards: &[NewShard],
    replicas: &[(String, String)],
) -> Result<(), ShapeError> {
    let held: HashSet<&str> = replicas.iter().map(|(shard, _)| shard.as_str()).collect();
    match shards.iter().find(|s| !held.contains(s.id.as_str())) {
        None => Ok(()),
        Some(NewShard { id, .. }) => {
            Err(ShapeError::Invalid(format!("field 'servers': shard '{id}' is held by no server")))
        }
    }
}
