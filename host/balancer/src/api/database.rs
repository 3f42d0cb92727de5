//! The database as a whole: `/init` and `/status`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use ringwright_model::{Attributes, Dtype, Key, Schema, Sharding, parse_key};
use ringwright_replication::{ShardView, View};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::about::example;
use super::attributes::describe;
use super::{ApiError, Payload};
use crate::shaping::{InitPlan, NewServer, NewShard, ShapeError};
use crate::{Balancer, shown};

/// Configures the database: the schema, its shards, and the servers that hold them.
#[utoipa::path(post, path = "/init", tag = "database",
    request_body(content = Value, example = json!({"N": 3,
        "schema": {"columns": ["Stud_id", "Stud_name", "Stud_marks"], "dtypes": ["Number", "String", "String"]},
        "shards": [{"Stud_id_low": 0, "Shard_id": "sh1", "Shard_size": 4096}],
        "servers": {"Server0": ["sh1"], "Server1": ["sh1"]}})),
    responses((status = 200, body = Value), (status = 400, body = super::Failure),
        (status = 409, body = super::Failure), (status = 503, body = super::Failure)))]
pub(super) async fn init(
    State(balancer): State<Arc<Balancer>>,
    payload: Payload,
) -> Result<Json<Value>, ApiError> {
    let schema = Payload::parse(payload.needed_raw("schema")?.get().as_bytes(), "field 'schema'")?;
    let dtypes: Vec<Dtype> =
        schema.needed("dtypes", "a list of Number, String, Integer, Float or Boolean")?;
    let schema = Schema { columns: schema.needed("columns", "a list of names")?, dtypes };
    schema.check().map_err(|e| ApiError::bad(e.to_string()))?;
    let sharding: Option<String> = payload.optional("sharding", "\"range\" or \"modulo\"")?;
    let sharding = match sharding.map(|s| s.to_ascii_lowercase()).as_deref() {
        None | Some("range") => Sharding::Range,
        Some("modulo") => Sharding::Modulo,
        Some(_) => return Err(ApiError::bad("field 'sharding' must be \"range\" or \"modulo\"")),
    };
    let mut servers = new_servers(&payload)?;
    describe(&payload, &mut servers)?;
    let plan = InitPlan {
        n: payload.optional("N", "a whole number")?,
        shards: new_shards(payload.needed_raw("shards")?, "shards", schema.key_column())?,
        servers,
        replicas: payload.optional("replicas", "a whole number")?,
        schema,
        sharding,
    };
    balancer.init(plan).await?;
    Ok(Json(json!({"message": "Configured Database", "status": "success"})))
}

/// An example payload.
#[utoipa::path(get, path = "/init", tag = "database", responses((status = 200, body = Value)))]
pub(super) async fn init_example() -> Json<Value> {
    example(
        "POST this to configure the database",
        json!({"N": 3,
            "schema": {"columns": ["Stud_id", "Stud_name", "Stud_marks"], "dtypes": ["Number", "String", "String"]},
            "shards": [{"Stud_id_low": 0, "Shard_id": "sh1", "Shard_size": 4096},
                {"Stud_id_low": 4096, "Shard_id": "sh2", "Shard_size": 4096},
                {"Stud_id_low": 8192, "Shard_id": "sh3", "Shard_size": 4096}],
            "servers": {"Server0": ["sh1", "sh2"], "Server1": ["sh2", "sh3"], "Server2": ["sh1", "sh3"]}}),
    )
}

/// The schema, the shards, the servers, and the state of every replica.
#[utoipa::path(get, path = "/status", tag = "database", responses((status = 200, body = Value)))]
pub(super) async fn status(State(balancer): State<Arc<Balancer>>) -> Result<Json<Value>, ApiError> {
    balancer.cluster.charge().check()?;
    let view = balancer.cluster.view();
    Ok(Json(json!({"message": {
        "N": view.servers.len(),
        "schema": view.schema.as_deref(),
        "sharding": view.sharding,
        "shards": view.shards.iter().map(|s| shard(&view, s)).collect::<Vec<_>>(),
        "servers": holdings(&view),
        "replicas": replicas(&view),
        "server_states": states(&view),
        "weights": told(&view, |a| a.weight),
        "labels": told(&view, |a| a.labels.clone()),
        "hash": balancer.brain.hash().choice.name,
        "placement": balancer.brain.placement().choice.name,
        "epoch": balancer.cluster.charge().epoch(),
    }, "status": "successful"})))
}

fn shard(view: &View, s: &ShardView) -> Value {
    let mut fields = Map::new();
    if view.sharding == Sharding::Range {
        let column = view.schema.as_deref().map_or("", Schema::key_column).to_ascii_lowercase();
        fields.insert(format!("{column}_low"), json!(s.shard.low));
        fields.insert("shard_size".into(), json!(s.shard.size));
    }
    fields.insert("shard_id".into(), json!(s.shard.id));
    fields.insert("valid_at".into(), json!(s.vat));
    Value::Object(fields)
}

fn holdings(view: &View) -> BTreeMap<&str, Vec<&str>> {
    // In one pass: asked for by everybody all the time, it must not be servers times shards.
    let mut held: BTreeMap<&str, Vec<&str>> =
        view.servers.keys().map(|name| (name.as_str(), Vec::new())).collect();
    for shard in &view.shards {
        for member in shard.in_sync.iter().chain(shard.out_of_sync.iter()) {
            held.entry(&member.name).or_default().push(&shard.shard.id);
        }
    }
    held
}

fn replicas(view: &View) -> Vec<Value> {
    let row = |s: &ShardView, server: &str, state: &str| json!({"shard_id": s.shard.id, "server": server, "state": state});
    view.shards
        .iter()
        .flat_map(|s| {
            let good = s.in_sync.iter().map(|m| row(s, &m.name, "in_sync"));
            good.chain(s.out_of_sync.iter().map(|m| row(s, &m.name, "out_of_sync")))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn states(view: &View) -> BTreeMap<&str, &'static str> {
    view.servers.iter().map(|(name, m)| (name.as_str(), shown::state(m))).collect()
}

/// Something that is told about each server.
fn told<T>(view: &View, what: impl Fn(&Attributes) -> T) -> BTreeMap<&str, T> {
    view.servers.iter().map(|(name, m)| (name.as_str(), what(&m.attributes()))).collect()
}

/// Reads a list of shards.
pub(super) fn new_shards(
    raw: &RawValue,
    field: &str,
    key_column: &str,
) -> Result<Vec<NewShard>, ApiError> {
    let list: Vec<&RawValue> = serde_json::from_str(raw.get())
        .map_err(|_| ApiError::bad(format!("field '{field}' must be a list of shards")))?;
    let mut shards = Vec::with_capacity(list.len());
    for (i, raw) in list.into_iter().enumerate() {
        let at = |e: ApiError| ApiError { message: format!("{field}[{i}]: {}", e.message), ..e };
        let shard = Payload::parse(raw.get().as_bytes(), "a shard").map_err(at)?;
        let low_field = format!("{key_column}_low");
        let low: Option<Key> = match shard.raw(&low_field) {
            None => None,
            Some(low) => Some(parse_key(low.get()).ok_or_else(|| {
                at(ApiError::bad(format!("field '{low_field}' must be a whole number from 0")))
            })?),
        };
        shards.push(NewShard {
            id: shard.needed("Shard_id", "a name").map_err(at)?,
            low,
            size: shard.optional("Shard_size", "a whole number from 1").map_err(at)?,
        });
    }
    Ok(shards)
}

/// Reads `servers`: names with the shards each is to hold.
pub(super) fn new_servers(payload: &Payload) -> Result<Vec<NewServer>, ApiError> {
    let Some(raw) = payload.raw("servers") else { return Ok(Vec::new()) };
    let servers = Payload::parse(raw.get().as_bytes(), "field 'servers'")?;
    servers
        .fields()
        .map(|(name, shards)| {
            let shards: Vec<String> = serde_json::from_str(shards.get()).map_err(|_| {
                ApiError::bad(format!("field 'servers.{name}' must be a list of shard names"))
            })?;
            let (name, attributes) = (name.to_owned(), Attributes::default());
            Ok(NewServer { name, shards, attributes })
        })
        .collect()
}

impl From<ShapeError> for ApiError {
    fn from(e: ShapeError) -> Self {
        let message = e.to_string();
        match e {
            ShapeError::Invalid(_) => ApiError::bad(message),
            ShapeError::Missing(_) => ApiError::missing(message),
            ShapeError::Clash(_) => ApiError::conflict(message),
            ShapeError::Control(ringwright_control::ControlError::Name(_)) => {
                ApiError::bad(message)
            }
            ShapeError::Unavailable(_) | ShapeError::Placement(..) | ShapeError::Control(_) => {
                ApiError::unavailable(message)
            }
            ShapeError::Cluster(e) => e.into(),
        }
    }
}
