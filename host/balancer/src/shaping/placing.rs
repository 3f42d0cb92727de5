//! Asking the placement policy.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringwright_plugin_runtime::{
    CallError, Cluster, Goal, Holder, Move, Node, PlacedShard, PlacementPlugin,
};
use ringwright_replication::{Load, Member, ShardLoad, View};
use serde::Serialize;

use super::{NewShard, ShapeError};
use crate::brain::Active;
use crate::{Balancer, shown};

/// The cluster as a policy is shown it, under the names its answer is told in.
#[derive(Clone)]
pub(super) struct Model {
    cluster: Cluster,
}

impl Model {
    /// The cluster as it is, and what it carries; servers that do not answer are given nothing.
    pub(super) fn of(view: &View, load: &Load) -> Model {
        let nodes: Vec<Node> = view
            .servers
            .values()
            .map(|m| Node { requests: load.servers.get(&m.name).copied(), ..node(m, m.is_live()) })
            .collect();
        let mut model = Model { cluster: Cluster { nodes, shards: Vec::new() } };
        for s in &view.shards {
            let good = s.in_sync.iter().map(|m| (m, true));
            let holders = good.chain(s.out_of_sync.iter().map(|m| (m, false)));
            let held_by = holders
                .filter_map(|(m, in_sync)| Some(Holder { node: model.node(&m.name)?, in_sync }))
                .collect();
            let load = load.shards.get(&s.shard.id).copied().unwrap_or_default();
            model.cluster.shards.push(shard(&s.shard.id, s.shard.size, load, held_by));
        }
        model
    }

    /// Adds servers that are about to start.
    pub(super) fn add_servers(&mut self, servers: &[Arc<Member>]) {
        self.cluster.nodes.extend(servers.iter().map(|m| node(m, true)));
    }

    /// Adds shards that nobody holds yet.
    pub(super) fn add_shards(&mut self, shards: &[NewShard]) {
        let new =
            |s: &NewShard| shard(&s.id, s.size.unwrap_or(0), ShardLoad::default(), Vec::new());
        self.cluster.shards.extend(shards.iter().map(new));
    }

    /// Notes that a server is to hold a shard.
    pub(super) fn hold(&mut self, shard: &str, server: &str) {
        let Some(node) = self.node(server) else { return };
        if let Some(s) = self.cluster.shards.iter_mut().find(|s| s.id == shard)
            && !s.is_on(node)
        {
            s.held_by.push(Holder { node, in_sync: false });
            s.copies = s.copies.max(u32::try_from(s.held_by.len()).unwrap_or(u32::MAX));
        }
    }

    /// Asks for at least so many copies of every shard, as far as there are servers.
    pub(super) fn want(&mut self, copies: u32) {
        let most = u32::try_from(self.cluster.nodes.len()).unwrap_or(u32::MAX);
        for shard in &mut self.cluster.shards {
            shard.copies = shard.copies.max(copies.min(most));
        }
    }

    /// A move under the names of what it is about.
    fn name(&self, m: Move) -> Option<Planned> {
        let shard = self.cluster.shards.get(usize::try_from(m.shard).ok()?)?;
        Some(Planned {
            shard: shard.id.clone(),
            from: m.source.and_then(|n| self.node_name(n)).map(str::to_owned),
            to: self.node_name(m.target)?.to_owned(),
            reason: m.reason,
            gain: m.gain,
            bytes: shard.bytes,
        })
    }

    fn node(&self, name: &str) -> Option<u32> {
        let i = self.cluster.nodes.iter().position(|n| n.server.name == name)?;
        u32::try_from(i).ok()
    }

    fn node_name(&self, node: u32) -> Option<&str> {
        let node = self.cluster.nodes.get(usize::try_from(node).ok()?)?;
        Some(&node.server.name)
    }
}

/// A server of which it is not known how often it is asked; there is no limit to what it holds.
fn node(member: &Member, accepts: bool) -> Node {
    Node { server: shown::server(member), accepts, requests: None, capacity: None }
}

/// What the host knows of a shard, which should have as many copies as it has.
fn shard(id: &str, size: u64, load: ShardLoad, held_by: Vec<Holder>) -> PlacedShard {
    PlacedShard {
        id: id.to_owned(),
        size,
        rows: load.volume.map(|v| v.rows),
        bytes: load.volume.map(|v| v.bytes),
        requests: load.requests,
        copies: u32::try_from(held_by.len()).unwrap_or(u32::MAX),
        held_by,
    }
}

/// A move of a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Planned {
    /// The shard.
    pub shard: String,
    /// The server that gives its copy up; `None` for a new copy.
    pub from: Option<String>,
    /// The server that gets one.
    pub to: String,
    /// Why, for people.
    pub reason: String,
    /// What it is worth, in the policy's own measure.
    pub gain: f64,
    /// What is copied, where that is known.
    pub bytes: Option<u64>,
}

impl Balancer {
    /// New copies, as (shard, server), that give every shard what it lacks.
    pub(super) async fn place(&self, model: &Model) -> Result<Vec<(String, String)>, ShapeError> {
        Ok(self.plan(model, Goal::Place).await?.into_iter().map(|m| (m.shard, m.to)).collect())
    }

    /// Moves, as (shard, from, to), that bring some servers level with those that hold more.
    pub(super) async fn level(
        &self,
        model: &Model,
        servers: &[String],
    ) -> Result<Vec<(String, String, String)>, ShapeError> {
        if servers.is_empty() {
            return Ok(Vec::new());
        }
        let mut model = model.clone();
        for node in &mut model.cluster.nodes {
            node.accepts &= servers.contains(&node.server.name);
        }
        let moves = self.plan(&model, Goal::Rebalance).await?;
        Ok(moves.into_iter().filter_map(|m| Some((m.shard, m.from?, m.to))).collect())
    }

    /// Where the copies of some servers go: shard to server, by the server that gives it up.
    pub(super) async fn drain(
        &self,
        model: &Model,
        servers: &[String],
    ) -> Result<BTreeMap<(String, String), String>, ShapeError> {
        let nodes = servers.iter().filter_map(|s| model.node(s)).collect();
        let moves = self.plan(model, Goal::Drain(nodes)).await?;
        Ok(moves.into_iter().filter_map(|m| Some(((m.shard, m.from?), m.to))).collect())
    }

    /// What the policy proposes. Where it fails, the last one before it that behaved is asked.
    pub(super) async fn plan(&self, model: &Model, goal: Goal) -> Result<Vec<Planned>, ShapeError> {
        let policy = self.brain.placement();
        let error = match self.ask(&policy, model, &goal).await {
            Ok(moves) => return Ok(proposed(&policy, moves)),
            Err(error) => error,
        };
        self.brain.fault(&policy, &error);
        let failed = ShapeError::Placement(policy.choice.name.clone(), error);
        if !failed.is_fault() {
            return Err(failed);
        }
        // Another may have taken its place by now.
        let now = self.brain.placement();
        let replaced = (now.choice.digest != policy.choice.digest).then(|| Active::clone(&now));
        for other in replaced.into_iter().chain(self.brain.other_placements()) {
            let policy = &other.choice.name;
            tracing::warn!(policy, error = %failed, "another placement policy is asked");
            match self.ask(&other, model, &goal).await {
                Ok(moves) => return Ok(proposed(&other, moves)),
                Err(error) => tracing::error!(policy, %error, "nor can this one make a plan"),
            }
        }
        Err(failed)
    }

    /// What a policy proposes.
    pub(super) async fn ask(
        &self,
        policy: &Active<PlacementPlugin>,
        model: &Model,
        goal: &Goal,
    ) -> Result<Vec<Planned>, CallError> {
        // A plan may take a second: not on a thread that serves requests.
        let (policy, cluster, goal) = (policy.clone(), model.cluster.clone(), goal.clone());
        let plan = move || policy.calls.asked(|| policy.plugin.plan(&cluster, &goal));
        let moves = tokio::task::spawn_blocking(plan)
            .await
            .unwrap_or_else(|e| Err(CallError::Trap(format!("the host failed over it: {e}"))))?;
        Ok(moves.into_iter().filter_map(|m| model.name(m)).collect())
    }
}

/// Says what a policy wants.
fn proposed(policy: &Active<PlacementPlugin>, moves: Vec<Planned>) -> Vec<Planned> {
    for Planned { shard, from, to, reason, .. } in &moves {
        let policy = &policy.choice.name;
        tracing::info!(shard, from, to, reason, policy, "placement proposed");
    }
    moves
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use ringwright_model::Attributes;
    use ringwright_wire::Volume;

    use super::*;

    #[test]
    fn a_policy_is_told_what_is_known_and_nothing_else() {
        let attributes = Attributes { weight: 3, labels: [("zone".into(), "a".into())].into() };
        let members = [Member::with_attributes(1, "told", attributes), Member::new(2, "new")];
        let servers = members.map(|m| (m.name.clone(), m)).into();
        let view = View { servers: Arc::new(servers), ..View::default() };
        let servers = [("told".to_owned(), 2.5)].into();
        let mut model = Model::of(&view, &Load { servers, ..Load::default() });
        let node = |model: &Model, name: &str| {
            let nodes = &model.cluster.nodes;
            nodes.iter().find(|n| n.server.name == name).unwrap().clone()
        };
        let told = node(&model, "told");
        assert_eq!((told.server.weight, told.requests), (3, Some(2.5)));
        assert_eq!(told.server.labels, [("zone".to_owned(), "a".to_owned())]);
        let new = node(&model, "new");
        assert_eq!((new.server.weight, new.requests, new.accepts), (1, None, false));
        let volume = Some(Volume { rows: 7, bytes: 70 });
        let known = ShardLoad { volume, requests: Some(0.5) };
        for (load, rows, bytes, requests) in
            [(known, Some(7), Some(70), Some(0.5)), (ShardLoad::default(), None, None, None)]
        {
            let shard = shard("sh1", 10, load, Vec::new());
            assert_eq!((shard.rows, shard.bytes, shard.requests), (rows, bytes, requests));
        }
        model.add_servers(&[Member::new(3, "starts")]);
        assert!(node(&model, "starts").accepts);
    }
}
