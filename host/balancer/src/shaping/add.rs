//! `/add`: new servers, and new shards or copies of old ones on them.

use std::collections::HashSet;
use std::sync::Arc;

use ringwright_events::tell;
use ringwright_model::{Shard, Sharding};
use ringwright_replication::{ClusterError, Expansion, Member, View};

use super::init::{check_held, check_holdings};
use super::placing::Model;
use super::{Names, NewServer, NewShard, ShapeError, shards};
use crate::Balancer;

/// What `/add` asks for.
#[derive(Clone, Debug)]
pub struct AddPlan {
    /// Number of new servers.
    pub n: usize,
    /// The servers that are named, with their shards.
    pub servers: Vec<NewServer>,
    /// What the request calls them: `servers` or `hostnames`.
    pub called: &'static str,
    /// New shards.
    pub shards: Vec<NewShard>,
    /// Whether the placement policy is to give the new servers their shards, and new shards
    /// their servers, where the request does not.
    pub place: bool,
}

/// Who gets what, each as (shard, server).
#[derive(Default)]
struct Placement {
    /// Copies to make.
    replicas: Vec<(String, String)>,
    /// Copies that are given up once there is another one in their place.
    given_up: Vec<(String, String)>,
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
        let called = Names { count: "n", servers: plan.called, shards: "new_shards" };
        let existing: Vec<Shard> = view.shards.iter().map(|s| (*s.shard).clone()).collect();
        let new_shards = check_shards(&view, called.shards, &plan.shards, &existing)?;
        let servers = self.enlist(&view, called, &plan.servers, plan.n).await?;
        let old_ids: HashSet<&str> = existing.iter().map(|s| s.id.as_str()).collect();
        let new_ids = plan.shards.iter().map(|s| s.id.as_str());
        let ids = old_ids.iter().copied().chain(new_ids).collect();
        let replicas = check_holdings(&plan.servers, &servers, &ids, ShapeError::Missing)?;
        let placement = if plan.place && view.schema.is_some() {
            self.fill(&view, &plan, &servers, replicas).await?
        } else {
            Placement { replicas, ..Placement::default() }
        };
        check_held(&plan.shards, &placement.replicas)?;
        let (copies, firsts): (Vec<_>, Vec<_>) =
            placement.replicas.into_iter().partition(|(shard, _)| old_ids.contains(shard.as_str()));
        let sourceless = |(shard, to): &&(String, String)| {
            view.shards.iter().any(|s| s.shard.id == *shard && !s.others_in_sync(to))
        };
        if let Some((shard, _)) = copies.iter().find(sourceless) {
            return Err(ClusterError::NoSource(shard.clone()).into());
        }
        let recruits = self.recruit(&servers).await?;
        let names: Vec<String> = servers.iter().map(|m| m.name.clone()).collect();
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
        for (shard, server) in &placement.given_up {
            if let Err(error) = self.cluster.leave(shard, server).await {
                tracing::warn!(shard, server, %error, "a copy that was to move stays as well");
            }
        }
        self.record_ring().await;
        for name in &names {
            tell!(self.cluster.events(), INFO, ServerAdded, server = name.as_str();
                "a server was added");
        }
        Ok(names)
    }

    /// Adds to what a request wants the copies that shards lack, and fills the new servers that
    /// it gives nothing from those that hold more.
    async fn fill(
        &self,
        view: &View,
        plan: &AddPlan,
        servers: &[Arc<Member>],
        mut replicas: Vec<(String, String)>,
    ) -> Result<Placement, ShapeError> {
        let mut model = Model::of(view, &self.cluster.load().await);
        model.add_servers(servers);
        model.add_shards(&plan.shards);
        replicas.iter().for_each(|(shard, server)| model.hold(shard, server));
        model.want(self.settings.replicas);
        let mut placed = self.place(&model).await?;
        placed.iter().for_each(|(shard, server)| model.hold(shard, server));
        let has_own = |server: &String| replicas.iter().any(|(_, holder)| holder == server);
        let names = servers.iter().map(|m| m.name.clone());
        let empty: Vec<String> = names.filter(|name| !has_own(name)).collect();
        let mut given_up = Vec::new();
        for (shard, from, to) in self.level(&model, &empty).await? {
            let held = |s: &&ringwright_replication::ShardView| s.shard.id == shard;
            if let Some(copy) = placed.iter_mut().find(|(s, on)| *s == shard && *on == from) {
                // It is only about to be made: it is made there instead.
                copy.1 = to;
            } else if view.shards.iter().find(held).is_some_and(|s| s.is_replica(&from)) {
                placed.push((shard.clone(), to));
                given_up.push((shard, from));
            }
            // What the request put somewhere stays there.
        }
        replicas.extend(placed);
        Ok(Placement { replicas, given_up })
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
}

fn check_shards(
    view: &View,
    field: &str,
    new: &[NewShard],
    existing: &[Shard],
) -> Result<Vec<Shard>, ShapeError> {
    let invalid = |why| Err(ShapeError::Invalid(format!("field '{field}': {why}")));
    match &view.schema {
        _ if new.is_empty() => Ok(Vec::new()),
        None => invalid("the database is not configured"),
        // Keys would belong to other shards than those they were written to.
        Some(_) if view.sharding == Sharding::Modulo => {
            invalid("with modulo sharding the number of shards is fixed")
        }
        Some(schema) => shards::check(field, view.sharding, schema.key_column(), new, existing),
    }
}
