//! The plugins: `/plugins`, `/plugins/active` and `/plugins/shadow`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::payload::unread;
use super::{ApiError, Payload, listed};
use crate::Balancer;
use crate::brain::{BrainError, Pick};
use crate::choosing::{ChooseError, Picks, UploadError};

/// The plugins in the plugin folders, what admission found about each, and which are active.
#[utoipa::path(get, path = "/plugins", tag = "plugins", responses((status = 200, body = Value)))]
pub(super) async fn list(State(balancer): State<Arc<Balancer>>) -> Json<Value> {
    let (hash, placement) = (balancer.brain.hash(), balancer.brain.placement());
    Json(json!({"message": {
        "active": {"hash": hash.choice.name, "placement": placement.choice.name},
        "settings": {"hash": hash.choice.settings, "placement": placement.choice.settings},
        "plugins": listed::all(&balancer.brain),
        "shadow": listed::shadow(&balancer.router),
    }, "status": "successful"}))
}

/// Takes a component, admits it, and lists it. It is not active by that. It is kept as a file of
/// its own name, or of that given in `?file=`, by which it may be granted more than others.
#[utoipa::path(post, path = "/plugins", tag = "plugins",
    params(("file" = Option<String>, Query, description = "The file's name, without extension")),
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses((status = 200, body = Value), (status = 400, body = super::Failure),
        (status = 409, body = super::Failure), (status = 413, body = super::Failure)))]
pub(super) async fn upload(
    State(balancer): State<Arc<Balancer>>,
    Query(query): Query<BTreeMap<String, String>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    let file = query.get("file").cloned();
    if file.as_deref().is_some_and(|name| !is_file_name(name)) {
        return Err(ApiError::bad(
            "field 'file' must have 1 to 64 letters, digits, '-', '_' or '.'",
        ));
    }
    let body = body.map_err(unread)?;
    let (name, digest) = balancer.upload(file, body.into()).await?;
    let listed = listed::all(&balancer.brain);
    let plugin = listed.into_iter().find(|p| p["digest"] == digest && p["name"] == name);
    Ok(Json(json!({"message": plugin, "status": "successful"})))
}

fn is_file_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=64).contains(&name.len()) && !name.starts_with('.') && name.chars().all(plain)
}

/// Makes plugins active: from the next request on, with none lost. With `dry_run` says what that
/// would change.
#[utoipa::path(put, path = "/plugins/active", tag = "plugins",
    request_body(content = Value, example = json!({"hash": "md5", "dry_run": true})),
    responses((status = 200, body = Value), (status = 400, body = super::Failure),
        (status = 404, body = super::Failure), (status = 409, body = super::Failure)))]
pub(super) async fn activate(
    State(balancer): State<Arc<Balancer>>,
    payload: Payload,
) -> Result<Json<Value>, ApiError> {
    let flag = |field| payload.optional(field, "true or false").map(|f| f.unwrap_or(false));
    let picks = Picks {
        hash: pick(&payload, "hash")?,
        placement: pick(&payload, "placement")?,
        force: flag("force")?,
    };
    if picks.hash.is_none() && picks.placement.is_none() {
        return Err(ApiError::bad("field 'hash' or 'placement' is needed"));
    }
    if flag("dry_run")? {
        let bill = balancer.bill(&picks).await?;
        return Ok(Json(json!({"message": bill, "dry_run": true, "status": "successful"})));
    }
    balancer.choose(&picks).await?;
    let (hash, placement) = (balancer.brain.hash(), balancer.brain.placement());
    Ok(Json(json!({
        "message": {"hash": hash.choice.name, "placement": placement.choice.name},
        "status": "successful",
    })))
}

/// What a hash function in the shadow of the active one would have done since it began.
#[utoipa::path(get, path = "/plugins/shadow", tag = "plugins",
    responses((status = 200, body = Value), (status = 404, body = super::Failure)))]
pub(super) async fn shadow(State(balancer): State<Arc<Balancer>>) -> Result<Json<Value>, ApiError> {
    match listed::shadow(&balancer.router) {
        Value::Null => {
            Err(ApiError::missing("no hash function is in the shadow of the active one"))
        }
        shadow => Ok(Json(json!({"message": shadow, "status": "successful"}))),
    }
}

/// Has a second hash function see every request, and routes none by it.
#[utoipa::path(put, path = "/plugins/shadow", tag = "plugins",
    request_body(content = Value, example = json!({"hash": "md5"})),
    responses((status = 200, body = Value), (status = 400, body = super::Failure),
        (status = 404, body = super::Failure), (status = 409, body = super::Failure)))]
pub(super) async fn cast_shadow(
    State(balancer): State<Arc<Balancer>>,
    payload: Payload,
) -> Result<Json<Value>, ApiError> {
    let Some(pick) = pick(&payload, "hash")? else {
        return Err(ApiError::bad("field 'hash' is missing"));
    };
    balancer.shadow(Some(&pick)).await?;
    shadow(State(balancer)).await
}

/// Ends it.
#[utoipa::path(delete, path = "/plugins/shadow", tag = "plugins",
    responses((status = 200, body = Value)))]
pub(super) async fn end_shadow(
    State(balancer): State<Arc<Balancer>>,
) -> Result<Json<Value>, ApiError> {
    let last = listed::shadow(&balancer.router);
    balancer.shadow(None).await?;
    Ok(Json(json!({"message": last, "status": "successful"})))
}

/// A plugin's name, or an object of its name and settings.
fn pick(payload: &Payload, field: &str) -> Result<Option<Pick>, ApiError> {
    let Some(raw) = payload.raw(field) else { return Ok(None) };
    if !raw.get().starts_with('{') {
        let name = payload.needed(field, "a plugin's name, or an object of name and settings")?;
        return Ok(Some(Pick { name, settings: BTreeMap::new() }));
    }
    let within = |e: ApiError| ApiError { message: format!("field '{field}': {}", e.message), ..e };
    let object = Payload::parse(raw.get().as_bytes(), "it").map_err(within)?;
    let name = object.needed("name", "a plugin's name").map_err(within)?;
    let settings = match object.raw("settings") {
        None => BTreeMap::new(),
        Some(raw) => settings(raw.get()).map_err(within)?,
    };
    Ok(Some(Pick { name, settings }))
}

/// Settings by name; a number or a truth value is as good as its text.
fn settings(json: &str) -> Result<BTreeMap<String, String>, ApiError> {
    let given = Payload::parse(json.as_bytes(), "field 'settings'")?;
    let text = |(name, value): (&str, &serde_json::value::RawValue)| {
        let value = match serde_json::from_str(value.get()) {
            Ok(Value::String(text)) => text,
            Ok(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
            _ => {
                return Err(ApiError::bad(format!(
                    "field 'settings.{name}' must be a text, a number or a truth value"
                )));
            }
        };
        Ok((name.to_owned(), value))
    };
    given.fields().map(text).collect()
}

impl From<ChooseError> for ApiError {
    fn from(e: ChooseError) -> Self {
        let message = e.to_string();
        match e {
            ChooseError::Brain(e) => match e {
                BrainError::Watch(_) => ApiError::unavailable(message),
                BrainError::Refused { .. } | BrainError::Setting { .. } => ApiError::bad(message),
                BrainError::OutOfService { .. } => ApiError::conflict(message),
                BrainError::Unknown { .. } | BrainError::NoneAtAll { .. } => {
                    ApiError::missing(message)
                }
            },
            ChooseError::Layout(_) => ApiError::bad(format!("field 'hash': {message}")),
            ChooseError::Placement(_) => ApiError::bad(format!("field 'placement': {message}")),
            ChooseError::Cluster(e) => e.into(),
            ChooseError::Thread(_) => ApiError::unavailable(message),
        }
    }
}

impl From<UploadError> for ApiError {
    fn from(e: UploadError) -> Self {
        let message = e.to_string();
        match e {
            UploadError::Refused(_) => ApiError::bad(message),
            UploadError::Taken { .. } => ApiError::conflict(message),
            UploadError::Io(_) => ApiError::unavailable(message),
            UploadError::Failed => ApiError { status: StatusCode::INTERNAL_SERVER_ERROR, message },
        }
    }
}
