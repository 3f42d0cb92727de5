//! `/rm`: servers go, and what they hold goes elsewhere first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ringwright_events::tell;
use ringwright_replication::{Expansion, Member, ShardView, View};

use super::ShapeError;
use super::placing::Model;
use crate::Balancer;

/// What `/rm` asks for.
#[derive(Clone, Debug)]
pub struct RemovePlan {
    /// Number of servers to remove.
    pub n: usize,
    /// Those that are named.
    pub servers: Vec<String>,
    /// What the request calls them: `servers` or `hostnames`.
    pub called: &'static str,
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
        check(&view, &plan)?;
        let mut leaving = plan.servers;
        let model = Model::of(&view, &self.cluster.load().await);
        let mut moves = self.moves_without(&view, &model, &leaving).await?;
        while leaving.len() < plan.n {
            let (name, more) = self.cheapest(&view, &model, &leaving).await?;
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
            self.take_back(&copies, &[]).await;
            return Err(e);
        }
        self.dismiss(leaving.iter().map(String::as_str)).await;
        self.record_ring().await;
        for name in &leaving {
            tell!(self.cluster.events(), INFO, ServerRemoved, server = name.as_str();
                "a server was removed");
        }
        Ok(leaving)
    }

    /// The server that may leave and holds the fewest copies, of equals the one last by name;
    /// and the moves of all that leave then.
    ///
    /// A policy is not asked which server that is, for it cannot say: its goals are to place, to
    /// drain servers that are given, and to balance. It does say where the copies go.
    async fn cheapest(
        &self,
        view: &View,
        model: &Model,
        leaving: &[String],
    ) -> Result<(String, Moves), ShapeError> {
        let mut held: HashMap<&str, usize> = HashMap::new();
        for shard in &view.shards {
            for member in shard.in_sync.iter().chain(shard.out_of_sync.iter()) {
                *held.entry(&member.name).or_default() += 1;
            }
        }
        let mut candidates: Vec<&String> =
            view.servers.keys().filter(|name| !leaving.contains(name)).collect();
        candidates.sort_by_key(|name| (held.get(name.as_str()).copied(), Reverse(*name)));
        let mut refusal = None;
        for name in candidates {
            let mut more = leaving.to_vec();
            more.push(name.clone());
            match self.moves_without(view, model, &more).await {
                Ok(moves) => return Ok((name.clone(), moves)),
                Err(e) => refusal = Some(e),
            }
        }
        Err(refusal.unwrap_or_else(|| ShapeError::Invalid("no server is left to remove".into())))
    }

    /// The moves that let servers go; refused where a shard would be left without a replica.
    async fn moves_without(
        &self,
        view: &View,
        model: &Model,
        leaving: &[String],
    ) -> Result<Moves, ShapeError> {
        if leaving.is_empty() || view.shards.is_empty() {
            return Ok(Moves::new());
        }
        let moves = self.drain(model, leaving).await?;
        let moved = |id: &str| moves.keys().any(|(shard, _)| shard == id);
        let leaves = |name: &String| leaving.contains(name);
        for shard in view.shards.iter().filter(|s| leaving.iter().any(|name| s.is_replica(name))) {
            let answers = |m: &&Arc<Member>| m.is_live();
            let stays = shard.in_sync.iter().any(|m| !leaves(&m.name) && m.link().is_some());
            if !stays {
                let has_source = shard.in_sync.iter().any(|m| m.link().is_some());
                let staying = view.servers.values().filter(|m| !leaves(&m.name));
                let (well, ill): (Vec<_>, Vec<_>) = staying.partition(answers);
                refuse(shard, has_source, moved(&shard.shard.id), &well, &ill)?;
            }
        }
        Ok(moves)
    }
}

fn check(view: &View, plan: &RemovePlan) -> Result<(), ShapeError> {
    let invalid = |message: String| Err(ShapeError::Invalid(message));
    if plan.n == 0 {
        return invalid("field 'n' must be at least 1".into());
    }
    if plan.servers.len() > plan.n {
        return invalid("Length of server list is more than removable instances".into());
    }
    if plan.n > view.servers.len() {
        let there = view.servers.len();
        return invalid(format!("field 'n' is {} but there are {there} servers", plan.n));
    }
    for (i, name) in plan.servers.iter().enumerate() {
        if !view.servers.contains_key(name) {
            let message = format!("field '{}': server '{name}' is not in the cluster", plan.called);
            return Err(ShapeError::Missing(message));
        }
        if plan.servers[..i].contains(name) {
            return invalid(format!("field '{}': server '{name}' is given twice", plan.called));
        }
    }
    Ok(())
}

/// Why a shard of which no replica in sync stays cannot let its servers go, if it cannot: `well`
/// and `ill` are the servers that stay, those that answer and those that do not.
fn refuse(
    shard: &ShardView,
    has_source: bool,
    moved: bool,
    well: &[&Arc<Member>],
    ill: &[&Arc<Member>],
) -> Result<(), ShapeError> {
    let id = &shard.shard.id;
    let unavailable = |why: String| Err(ShapeError::Unavailable(format!("shard '{id}' {why}")));
    if !has_source {
        return unavailable("has no replica in sync that answers to be copied from".into());
    }
    if moved {
        return Ok(());
    }
    if let Some(member) = well.iter().find(|m| shard.is_replica(&m.name)) {
        return unavailable(format!("is not in sync on '{}' yet", member.name));
    }
    if let Some(member) = ill.first() {
        return unavailable(format!("could go to '{}', which does not answer", member.name));
    }
    Err(ShapeError::Clash(format!(
        "shard '{id}' would be left without a replica: no other server can hold it"
    )))
}
