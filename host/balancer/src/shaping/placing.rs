//! Asking the placement policy.

use std::collections::BTreeMap;

use ringwright_plugin_runtime::{CallError, Cluster, Goal, Holder, Node, PlacedShard, ServerInfo};
use ringwright_replication::View;

use super::{NewShard, ShapeError};
use crate::Balancer;

/// The cluster as a policy is shown it, under the names its answer is told in.
#[derive(Clone)]
pub(super) struct Model {
    cluster: Cluster,
}

impl Model {
    /// The cluster as it is; servers that do not answer are given nothing.
    pub(super) fn of(view: &View) -> Model {
        let nodes: Vec<Node> = view
            .servers
            .values()
            .map(|m| node(m.id, &m.name, m.link().is_some() && !m.is_suspect()))
            .collect();
        let mut model = Model { cluster: Cluster { nodes, shards: Vec::new() } };
        for s in &view.shards {
            let good = s.in_sync.iter().map(|m| (m, true));
            let holders = good.chain(s.out_of_sync.iter().map(|m| (m, false)));
            let held_by = holders
                .filter_map(|(m, in_sync)| Some(Holder { node: model.node(&m.name)?, in_sync }))
                .collect();
            model.cluster.shards.push(shard(&s.shard.id, s.shard.size, held_by));
        }
        model
    }

    /// Adds servers that are about to start.
    pub(super) fn add_servers(&mut self, servers: &[(u32, String)]) {
        self.cluster.nodes.extend(servers.iter().map(|(id, name)| node(*id, name, true)));
    }

    /// Adds shards that nobody holds yet.
    pub(super) fn add_shards(&mut self, shards: &[NewShard]) {
        let new = |s: &NewShard| shard(&s.id, s.size.unwrap_or(0), Vec::new());
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

    fn node(&self, name: &str) -> Option<u32> {
        let i = self.cluster.nodes.iter().position(|n| n.server.name == name)?;
        u32::try_from(i).ok()
    }

    fn node_name(&self, node: u32) -> Option<&str> {
        let node = self.cluster.nodes.get(usize::try_from(node).ok()?)?;
        Some(&node.server.name)
    }
}

/// What the host knows of a server: the operator can tell it neither weights nor labels yet, and
/// its requests are not counted.
fn node(id: u32, name: &str, accepts: bool) -> Node {
    Node { server: ServerInfo::new(id, name), accepts, requests: None, capacity: None }
}

/// What the host knows of a shard, which should have as many copies as it has.
fn shard(id: &str, size: u64, held_by: Vec<Holder>) -> PlacedShard {
    let copies = u32::try_from(held_by.len()).unwrap_or(u32::MAX);
    let (rows, bytes, requests) = (None, None, None);
    PlacedShard { id: id.to_owned(), size, rows, bytes, requests, copies, held_by }
}

impl Balancer {
    /// New copies, as (shard, server), that give every shard what it lacks.
    pub(super) async fn place(&self, model: &Model) -> Result<Vec<(String, String)>, ShapeError> {
        Ok(self.plan(model, Goal::Place).await?.into_iter().map(|(s, _, to)| (s, to)).collect())
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
        Ok(moves.into_iter().filter_map(|(s, from, to)| Some((s, from?, to))).collect())
    }

    /// Where the copies of some servers go: shard to server, by the server that gives it up.
    pub(super) async fn drain(
        &self,
        model: &Model,
        servers: &[String],
    ) -> Result<BTreeMap<(String, String), String>, ShapeError> {
        let nodes = servers.iter().filter_map(|s| model.node(s)).collect();
        let moves = self.plan(model, Goal::Drain(nodes)).await?;
        Ok(moves.into_iter().filter_map(|(s, from, to)| Some(((s, from?), to))).collect())
    }

    async fn plan(
        &self,
        model: &Model,
        goal: Goal,
    ) -> Result<Vec<(String, Option<String>, String)>, ShapeError> {
        let policy = self.brain.placement();
        // A plan may take a second: not on a thread that serves requests.
        let (plugin, cluster) = (policy.plugin.clone(), model.cluster.clone());
        let moves = tokio::task::spawn_blocking(move || plugin.plan(&cluster, &goal))
            .await
            .unwrap_or_else(|e| Err(CallError::Trap(format!("the host failed over it: {e}"))))
            .map_err(|e| ShapeError::Placement(policy.name.clone(), e))?;
        let mut named = Vec::with_capacity(moves.len());
        for m in moves {
            let shard = usize::try_from(m.shard).ok().and_then(|i| model.cluster.shards.get(i));
            let (Some(shard), Some(to)) = (shard, model.node_name(m.target)) else { continue };
            let from = m.source.and_then(|n| model.node_name(n)).map(str::to_owned);
            tracing::info!(
                shard = shard.id,
                from,
                to,
                reason = m.reason,
                policy = policy.name,
                "placement decided"
            );
            named.push((shard.id.clone(), from, to.to_owned()));
        }
        Ok(named)
    }
}
