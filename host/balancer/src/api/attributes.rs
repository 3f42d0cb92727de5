//! What is told about servers: `weights` and `labels` of `/init` and `/add`, and `/servers/{name}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use ringwright_model::Labels;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{ApiError, Payload};
use crate::Balancer;
use crate::shaping::NewServer;

/// The largest weight.
const MOST_WEIGHT: u32 = 1000;

/// Most labels of a server.
const MOST_LABELS: usize = 16;

/// Most characters of a label's key or value.
const LONGEST: usize = 64;

/// Changes what is told about a server: its weight, its labels, or both.
#[utoipa::path(put, path = "/servers/{name}", tag = "servers",
    params(("name" = String, Path, description = "The server's name")),
    request_body(content = Value, example = json!({"weight": 3, "labels": {"zone": "a"}})),
    responses((status = 200, body = Value), (status = 400, body = super::Failure),
        (status = 404, body = super::Failure), (status = 503, body = super::Failure)))]
pub(super) async fn tell(
    State(balancer): State<Arc<Balancer>>,
    name: Result<Path<String>, PathRejection>,
    payload: Payload,
) -> Result<Json<Value>, ApiError> {
    let Path(name) = name.map_err(|e| ApiError::bad(e.body_text()))?;
    let weight = payload.raw("weight").map(|raw| weight(raw, "weight")).transpose()?;
    let labels = payload.raw("labels").map(|raw| labels(raw, "labels")).transpose()?;
    if weight.is_none() && labels.is_none() {
        return Err(ApiError::bad("field 'weight' or 'labels' is needed"));
    }
    let told = balancer.tell(&name, weight, labels).await?;
    Ok(Json(json!({
        "message": {"server": name, "weight": told.weight, "labels": told.labels},
        "status": "successful",
    })))
}

/// Reads `weights` and `labels` into the servers of a request, each by the name it was given.
pub(super) fn describe(payload: &Payload, servers: &mut [NewServer]) -> Result<(), ApiError> {
    each(payload, "weights", servers, |server, raw, field| {
        server.attributes.weight = weight(raw, field)?;
        Ok(())
    })?;
    each(payload, "labels", servers, |server, raw, field| {
        server.attributes.labels = labels(raw, field)?;
        Ok(())
    })
}

/// Reads an object by server into the servers it names.
fn each(
    payload: &Payload,
    field: &str,
    servers: &mut [NewServer],
    set: impl Fn(&mut NewServer, &RawValue, &str) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    let Some(raw) = payload.raw(field) else { return Ok(()) };
    let by_server = Payload::parse(raw.get().as_bytes(), &format!("field '{field}'"))?;
    for (name, raw) in by_server.fields() {
        let mut named = servers.iter_mut().filter(|s| s.name == name).peekable();
        if named.peek().is_none() {
            let message = format!("field '{field}': server '{name}' is not one of the request");
            return Err(ApiError::bad(message));
        }
        named.try_for_each(|server| set(server, raw, &format!("{field}.{name}")))?;
    }
    Ok(())
}

fn weight(raw: &RawValue, field: &str) -> Result<u32, ApiError> {
    let weight = serde_json::from_str(raw.get()).ok().filter(|weight| *weight <= MOST_WEIGHT);
    weight.ok_or_else(|| {
        ApiError::bad(format!("field '{field}' must be a whole number from 0 to {MOST_WEIGHT}"))
    })
}

fn labels(raw: &RawValue, field: &str) -> Result<Labels, ApiError> {
    let given = Payload::parse(raw.get().as_bytes(), &format!("field '{field}'"))?;
    if given.fields().count() > MOST_LABELS {
        return Err(ApiError::bad(format!("field '{field}' has more than {MOST_LABELS} labels")));
    }
    let fits = |text: &str| (1..=LONGEST).contains(&text.chars().count());
    given
        .fields()
        .map(|(key, value)| {
            let value: Option<String> = serde_json::from_str(value.get()).ok();
            let value = value.filter(|value| fits(key) && fits(value));
            let label = value.map(|value| (key.to_owned(), value));
            label.ok_or_else(|| {
                ApiError::bad(format!(
                    "field '{field}.{key}': key and value must be strings of 1 to {LONGEST} \
                     characters"
                ))
            })
        })
        .collect()
}
