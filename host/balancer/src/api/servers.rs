//! The servers: `/add`, `/rm`, `/rep`, in the shapes of both parts.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use ringwright_model::Attributes;
use serde_json::{Value, json};

use super::about::example;
use super::attributes::describe;
use super::database::{new_servers, new_shards};
use super::{ApiError, Payload};
use crate::Balancer;
use crate::shaping::{AddPlan, NewServer, RemovePlan, spell};

/// Adds servers, and shards or copies of shards on them.
#[utoipa::path(post, path = "/add", tag = "servers",
    request_body(content = Value, example = json!({"n": 1, "new_shards": [], "servers": {"Server4": ["sh1"]},
        "weights": {"Server4": 2}, "labels": {"Server4": {"zone": "a"}}})),
    responses((status = 200, body = Value), (status = 400, body = super::Failure),
        (status = 404, body = super::Failure), (status = 409, body = super::Failure),
        (status = 503, body = super::Failure)))]
pub(super) async fn add(
    State(balancer): State<Arc<Balancer>>,
    payload: Payload,
) -> Result<Json<Value>, ApiError> {
    let n: usize = payload.needed("n", "a whole number")?;
    let place: Option<bool> = payload.optional("place", "true or false")?;
    if !names_shards(&payload, &["servers", "new_shards", "place"])? {
        let hostnames = hostnames(&payload, n, "newly added")?;
        let mut servers: Vec<NewServer> = hostnames.into_iter().map(plain).collect();
        describe(&payload, &mut servers)?;
        let (called, shards) = ("hostnames", Vec::new());
        balancer.add(AddPlan { n, servers, called, shards, place: false }).await?;
        return Ok(rep_answer(&balancer));
    }
    let place = place.unwrap_or(false);
    let mut servers = new_servers(&payload)?;
    describe(&payload, &mut servers)?;
    if n > servers.len() && !place {
        return Err(ApiError::bad(
            "Number of new servers (n) is greater than newly added instances",
        ));
    }
    if n < servers.len() {
        return Err(ApiError::bad("Number of new servers (n) is less than newly added instances"));
    }
    let view = balancer.cluster.view();
    let column = view.schema.as_ref().map_or("", |s| s.key_column());
    let shards = match payload.raw("new_shards") {
        Some(raw) => new_shards(raw, "new_shards", column)?,
        None => Vec::new(),
    };
    let plan = AddPlan { n, servers, called: "servers", shards, place };
    let names = balancer.add(plan).await?;
    Ok(Json(json!({
        "N": balancer.cluster.view().servers.len(),
        "message": format!("Add {}", spell(names.iter().map(String::as_str))),
        "status": "successful",
    })))
}

/// An example payload.
#[utoipa::path(get, path = "/add", tag = "servers", responses((status = 200, body = Value)))]
pub(super) async fn add_example() -> Json<Value> {
    example(
        "POST this to add servers",
        json!({"n": 2,
            "new_shards": [{"Stud_id_low": 12288, "Shard_id": "sh5", "Shard_size": 4096}],
            "servers": {"Server4": ["sh3", "sh5"], "Server[5]": ["sh2", "sh5"]}}),
    )
}

/// Removes servers; what they hold is copied elsewhere first.
#[utoipa::path(delete, path = "/rm", tag = "servers",
    request_body(content = Value, example = json!({"n": 1, "servers": ["Server4"]})),
    responses((status = 200, body = Value), (status = 400, body = super::Failure),
        (status = 404, body = super::Failure), (status = 409, body = super::Failure),
        (status = 503, body = super::Failure)))]
pub(super) async fn rm(
    State(balancer): State<Arc<Balancer>>,
    payload: Payload,
) -> Result<Json<Value>, ApiError> {
    let n: usize = payload.needed("n", "a whole number")?;
    names_shards(&payload, &["servers"])?;
    if payload.raw("hostnames").is_some() {
        let servers = hostnames(&payload, n, "removable")?;
        balancer.remove(RemovePlan { n, servers, called: "hostnames" }).await?;
        return Ok(rep_answer(&balancer));
    }
    let servers: Vec<String> = payload.optional("servers", "a list of names")?.unwrap_or_default();
    let removed = balancer.remove(RemovePlan { n, servers, called: "servers" }).await?;
    let left = balancer.cluster.view().servers.len();
    Ok(Json(json!({"message": {"N": left, "servers": removed}, "status": "successful"})))
}

/// An example payload.
#[utoipa::path(get, path = "/rm", tag = "servers", responses((status = 200, body = Value)))]
pub(super) async fn rm_example() -> Json<Value> {
    example("DELETE with this to remove servers", json!({"n": 2, "servers": ["Server4"]}))
}

/// The servers.
#[utoipa::path(get, path = "/rep", tag = "servers", responses((status = 200, body = Value), (status = 503, body = super::Failure)))]
pub(super) async fn rep(State(balancer): State<Arc<Balancer>>) -> Result<Json<Value>, ApiError> {
    balancer.cluster.charge().check()?;
    Ok(rep_answer(&balancer))
}

fn rep_answer(balancer: &Balancer) -> Json<Value> {
    let view = balancer.cluster.view();
    let names: Vec<&String> = view.servers.keys().collect();
    Json(json!({"message": {"N": names.len(), "replicas": names}, "status": "successful"}))
}

/// Whether a payload has one of the `fields` that only the database's shape has; it may not have
/// those of both shapes.
fn names_shards(payload: &Payload, fields: &[&str]) -> Result<bool, ApiError> {
    let Some(field) = fields.iter().find(|f| payload.raw(f).is_some()) else { return Ok(false) };
    if payload.raw("hostnames").is_some() {
        return Err(ApiError::bad(format!("field 'hostnames' does not go with '{field}'")));
    }
    Ok(true)
}

fn plain(name: String) -> NewServer {
    NewServer { name, shards: Vec::new(), attributes: Attributes::default() }
}

fn hostnames(payload: &Payload, n: usize, which: &str) -> Result<Vec<String>, ApiError> {
    let names: Vec<String> = payload.optional("hostnames", "a list of names")?.unwrap_or_default();
    if names.len() > n {
        let message = format!("Length of hostname list is more than {which} instances");
        return Err(ApiError::bad(message));
    }
    Ok(names)
}
