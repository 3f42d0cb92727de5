//! Servers, shards and plugins, at one instant.

use std::collections::HashMap;

use ringwright_model::{Dtype, Key, Labels, Sharding, Term};
use ringwright_replication::{Cluster, CopyProgress, Member, Served, ShardView, View};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Sample;
use crate::api::listed;
use crate::{Balancer, shown};

/// What of a plugin's listing is told every time; the rest is at `/plugins`.
const LISTED: [&str; 9] =
    ["name", "kind", "file", "state", "reason", "active", "faults", "score", "summary"];

/// What is so now.
#[derive(Serialize)]
pub(super) struct Snapshot {
    /// When, in milliseconds since 1970.
    time_ms: u64,
    /// The program's.
    version: &'static str,
    /// Whether servers may be killed.
    demo: bool,
    in_charge: bool,
    epoch: u64,
    configured: bool,
    /// The table's columns, with their types; the key first.
    columns: Vec<(String, Dtype)>,
    /// The active hash function.
    hash: String,
    /// The active placement policy.
    placement: String,
    servers: Vec<Server>,
    shards: Vec<Shard>,
    plugins: Vec<Map<String, Value>>,
    /// A hash function in the shadow of the active one.
    shadow: Value,
    traffic: Option<Sample>,
}

#[derive(Serialize)]
struct Server {
    /// The number hash functions know it by.
    id: u32,
    name: String,
    /// `live`, `suspect` or `dead`.
    state: &'static str,
    weight: u32,
    labels: Labels,
    /// Reads asked of it since the balancer began, with what was forwarded to it.
    reads: u64,
    /// Writes sent to it, as to every replica.
    writes: u64,
}

#[derive(Serialize)]
struct Shard {
    id: String,
    /// Its lowest and highest key, where shards are ranges.
    low: Option<Key>,
    high: Option<Key>,
    /// VAT.
    vat: Term,
    /// `whole`, `under-replicated`, `read-only` or `unavailable`.
    state: &'static str,
    replicas: Vec<Replica>,
}

/// The position of a server that has a replica, and whether that is in sync.
#[derive(Serialize)]
#[serde(untagged)]
enum Replica {
    InSync(usize, bool),
    Behind(usize, bool, Behind),
}

/// How far a replica is that is not in sync.
#[derive(Serialize)]
struct Behind {
    /// It holds everything up to this term, where that is known.
    vat: Option<Term>,
    /// Row versions that a copy to it has sent, and how many rows there were when it began, once
    /// they are counted.
    copying: Option<(u64, Option<u64>)>,
}

impl Snapshot {
    pub(super) fn of(balancer: &Balancer, time_ms: u64, traffic: Option<Sample>) -> Self {
        let view = balancer.cluster.view();
        let charge = balancer.cluster.charge();
        let schema = view.schema.as_deref();
        let columns = schema.map_or_else(Vec::new, |schema| {
            schema.columns.iter().cloned().zip(schema.dtypes.iter().copied()).collect()
        });
        Snapshot {
            time_ms,
            version: env!("CARGO_PKG_VERSION"),
            demo: balancer.settings.demo,
            in_charge: charge.check().is_ok(),
            epoch: charge.epoch(),
            configured: schema.is_some(),
            columns,
            hash: balancer.brain.hash().choice.name.clone(),
            placement: balancer.brain.placement().choice.name.clone(),
            servers: servers(&view),
            shards: shards(&balancer.cluster, &view),
            plugins: listed::all(&balancer.brain).into_iter().map(brief).collect(),
            shadow: listed::shadow(&balancer.router),
            traffic,
        }
    }
}

fn servers(view: &View) -> Vec<Server> {
    let server = |member: &Member| {
        let attributes = member.attributes();
        Server {
            id: member.id,
            name: member.name.clone(),
            state: shown::state(member),
            weight: attributes.weight,
            labels: attributes.labels.clone(),
            reads: member.reads(),
            writes: member.writes(),
        }
    };
    view.servers.values().map(|member| server(member)).collect()
}

fn shards(cluster: &Cluster, view: &View) -> Vec<Shard> {
    let position: HashMap<&str, usize> =
        view.servers.keys().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    let copies = cluster.copies();
    let copies: HashMap<(&str, &str), &CopyProgress> =
        copies.iter().map(|c| ((c.shard.as_str(), c.server.as_str()), c.as_ref())).collect();
    let shard = |s: &ShardView| {
        let at = |m: &Member| position.get(m.name.as_str()).copied();
        let in_sync = s.in_sync.iter().filter_map(|m| Some(Replica::InSync(at(m)?, true)));
        let behind = s.out_of_sync.iter().filter_map(|m| {
            let copy = copies.get(&(s.shard.id.as_str(), m.name.as_str()));
            let copying = copy.map(|copy| (copy.rows(), copy.expected()));
            Some(Replica::Behind(at(m)?, false, Behind { vat: s.held(&m.name), copying }))
        });
        let is_range = view.sharding == Sharding::Range;
        Shard {
            id: s.shard.id.clone(),
            low: is_range.then_some(s.shard.low),
            high: is_range.then(|| s.shard.high()),
            vat: s.vat,
            state: word(cluster.served(s)),
            replicas: in_sync.chain(behind).collect(),
        }
    };
    view.shards.iter().map(shard).collect()
}

fn word(served: Served) -> &'static str {
    match served {
        Served::Whole => "whole",
        Served::UnderReplicated => "under-replicated",
        Served::ReadOnly => "read-only",
        Served::Unavailable => "unavailable",
    }
}

fn brief(plugin: Value) -> Map<String, Value> {
    let Value::Object(mut plugin) = plugin else { return Map::new() };
    plugin.retain(|field, _| LISTED.contains(&field.as_str()));
    plugin
}
