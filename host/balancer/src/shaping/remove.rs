//! `/rm`: servers go, and what they hold goes elsewhere first.

use std::collections::BTreeMap;

use ringwright_replication::{Expansion, View};

use super::ShapeError;
use super::placing::Model;
use crate::Balancer;

/// What `/rm` asks for.
#[derive(Clone, Debug, Default)]
pub struct RemovePlan {
    /// Number of servers to remove.
    pub n: usize,
    /// Those that are named; the policy picks the rest.
    pub servers: Vec<String>,
}

/// Where copies go: (shard, server that gives it up) to the server that gets it.
type Moves = BTreeMap<(String, String), String>;

impl Balancer {
    /// Removes servers; answers their names.
    ///
    /// # Errors
    /// Where the plan can't be right, or a shard would be left without a replica; then nothing
    /// was changed.
    pub async fn remove(&self, plan: RemovePlan) -> Result<Vec<String>, ShapeError> {
        let _one = self.shaping.lock().await;
        let view = self.cluster.view();
        if plan.n == 0 {
            return Err(ShapeError::Invalid("field 'n' must be at least 1".into()));
        }
        if plan.servers.len() > plan.n {
            return Err(ShapeError::Invalid(
                "Length of server list is more than removable instances".into(),
            ));
        }
        if plan.n > view.servers.len() {
            return Err(ShapeError::Invalid(format!(
                "field 'n' is {} but there are {} servers",
                plan.n,
                view.servers.len()
            )));
        }
        for (i, name) in plan.servers.iter().enumerate() {
            if !view.servers.contains_key(name) {
                return Err(ShapeError::Missing(format!("server '{name}' is not in the cluster")));
            }
            if plan.servers[..i].contains(name) {
                return Err(ShapeError::Invalid(format!("server '{name}' is given twice")));
            }
        }
        let mut leaving = plan.servers;
        let mut moves = self.moves_without(&view, &leaving)?;
        while leaving.len() < plan.n {
            let (name, more) = self.cheapest(&view, &leaving)?;
            leaving.push(name);
            moves = more;
        }
        let copies: Vec<(String, String)> =
            moves.into_iter().map(|((shard, _), to)| (shard, to)).collect();
        let replicas = copies.clone();
        self.cluster.expand(Expansion { replicas, ..Expansion::default() }).await?;
        let moved = match self.copy_all(&copies).await {
            Ok(()) => self.cluster.remove_servers(&leaving).await.map_err(ShapeError::from),
            Err(e) => Err(e),
        };
        if let Err(e) = moved {
            for (shard, server) in &copies {
                if let Err(error) = self.cluster.leave(shard, server).await {
                    tracing::warn!(shard, server, %error, "a copy could not be taken back");
                }
            }
            return Err(e);
        }
        self.dismiss(leaving.iter().map(String::as_str)).await;
        self.record_ring().await;
        tracing::info!(?leaving, "servers removed");
        Ok(leaving)
    }

    /// The server whose leaving moves the fewest copies, and the moves of all that leave then.
    fn cheapest(&self, view: &View, leaving: &[String]) -> Result<(String, Moves), ShapeError> {
        let mut best: Option<(String, Moves)> = None;
        let mut refusal = None;
        for name in view.servers.keys().rev().filter(|name| !leaving.contains(name)) {
            let mut more = leaving.to_vec();
            more.push(name.clone());
            match self.moves_without(view, &more) {
                Ok(moves) if best.as_ref().is_none_or(|(_, b)| moves.len() < b.len()) => {
                    best = Some((name.clone(), moves));
                }
                Ok(_) => {}
                Err(e) => refusal = Some(e),
            }
        }
        best.ok_or_else(|| {
            refusal.unwrap_or_else(|| ShapeError::Invalid("no server is left to remove".into()))
        })
    }

    /// The moves that let servers go; refused where a shard would be left without a replica.
    fn moves_without(&self, view: &View, leaving: &[String]) -> Result<Moves, ShapeError> {
        if leaving.is_empty() || view.shards.is_empty() {
            return Ok(Moves::new());
        }
        let moves = self.drain(&Model::of(view), leaving)?;
        for shard in &view.shards {
            let id = &shard.shard.id;
            if !leaving.iter().any(|name| shard.is_replica(name)) {
                continue;
            }
            let stays = |m: &str| !leaving.iter().any(|l| l == m);
            let held = shard.in_sync.iter().any(|m| stays(&m.name) && m.link().is_some());
            let moved = moves.keys().any(|(s, _)| s == id);
            let source = shard.in_sync.iter().any(|m| m.link().is_some());
            if !(held || moved && source) {
                return Err(ShapeError::Clash(format!(
                    "shard '{id}' would be left without a replica: no other server can hold it"
                )));
            }
        }
        Ok(moves)
    }

    /// Gives the shards of a server that cannot be brought back to others.
    pub(crate) async fn place_elsewhere(&self, name: &str) {
        let _one = self.shaping.lock().await;
        let view = self.cluster.view();
        let mut model = Model::of(&view);
        model.lose(name);
        let placed = match self.place(&model) {
            Ok(replicas) => {
                self.cluster.expand(Expansion { replicas, ..Expansion::default() }).await
            }
            Err(error) => {
                tracing::error!(server = name, %error, "its shards could not be placed elsewhere");
                return;
            }
        };
        if let Err(error) = placed {
            tracing::error!(server = name, %error, "its shards could not be placed elsewhere");
            return;
        }
        for shard in view.shards.iter().filter(|s| s.is_replica(name)) {
            // The last replica in sync is never given up: the shard waits for its server.
            if let Err(error) = self.cluster.leave(&shard.shard.id, name).await {
                tracing::warn!(server = name, %error, "a replica of a lost server stays on it");
            }
        }
    }
}
