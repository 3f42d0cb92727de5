//! The plugins: `/plugins` and `/plugins/active`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ringwright_plugin_runtime::{Description, Entry, Listing, Plugin, State as Admission, Traits};
use serde_json::{Value, json};

use super::{ApiError, Payload};
use crate::brain::BrainError;
use crate::{ActivateError, Balancer};

/// The plugins in the plugin folders, and which are active.
#[utoipa::path(get, path = "/plugins", tag = "plugins", responses((status = 200, body = Value)))]
pub(super) async fn list(State(balancer): State<Arc<Balancer>>) -> Json<Value> {
    let (hash, placement) = (balancer.brain.hash(), balancer.brain.placement());
    let listing = balancer.brain.listing();
    let active = [Plugin::Hash(hash.plugin.clone()), Plugin::Placement(placement.plugin.clone())];
    let is_active = |digest| active.iter().any(|p| p.digest() == digest);
    let mut list: Vec<Value> = listing
        .entries()
        .map(|e| describe(e, e.is_loaded() && e.digest().is_some_and(is_active)))
        .collect();
    list.extend(active.iter().filter(|p| !has_file(&listing, p)).map(fileless));
    Json(json!({"message": {
        "active": {"hash": hash.name, "placement": placement.name},
        "plugins": list,
    }, "status": "successful"}))
}

fn has_file(listing: &Listing, plugin: &Plugin) -> bool {
    listing.entries().any(|e| e.is_loaded() && e.digest() == Some(plugin.digest()))
}

fn describe(entry: &Entry, active: bool) -> Value {
    let (state, reason, plugin) = match entry.state() {
        Admission::Loaded(plugin) => ("loaded", None, Some(plugin)),
        Admission::Refused(reason) => ("refused", Some(reason), None),
    };
    let description = plugin.map(Plugin::description);
    json!({
        "name": entry.name(),
        "kind": entry.kind(),
        "file": entry.file(),
        "digest": entry.digest(),
        "size_bytes": entry.size(),
        "state": state,
        "reason": reason,
        "active": active,
        "version": description.map(|d| &d.version),
        "summary": description.map(|d| &d.summary),
        "reference": description.map(|d| &d.reference),
        "settings": description.map(settings),
        "traits": plugin.and_then(traits),
    })
}

/// An active plugin whose file is there no more, or has become another.
fn fileless(plugin: &Plugin) -> Value {
    let description = plugin.description();
    json!({
        "name": description.name,
        "kind": plugin.kind(),
        "file": null,
        "digest": plugin.digest(),
        "size_bytes": plugin.size(),
        "state": "loaded",
        "reason": "its file was removed or overwritten; the plugin as loaded goes on",
        "active": true,
        "version": description.version,
        "summary": description.summary,
        "reference": description.reference,
        "settings": settings(description),
        "traits": traits(plugin),
    })
}

fn settings(description: &Description) -> Value {
    let setting = |s: &ringwright_plugin_runtime::Setting| json!({"name": s.name, "summary": s.summary, "default": s.default});
    description.settings.iter().map(setting).collect()
}

fn traits(plugin: &Plugin) -> Option<Value> {
    let Plugin::Hash(plugin) = plugin else { return None };
    let Traits { weighted, virtual_nodes, tail_only, max_servers } = plugin.traits();
    Some(json!({
        "weighted": weighted,
        "virtual_nodes": virtual_nodes,
        "tail_only": tail_only,
        "max_servers": max_servers,
    }))
}

/// Makes plugins active: from the next request on, with none lost.
#[utoipa::path(put, path = "/plugins/active", tag = "plugins",
    request_body(content = Value, example = json!({"hash": "md5"})),
    responses((status = 200, body = Value), (status = 400, body = super::Failure),
        (status = 404, body = super::Failure)))]
pub(super) async fn activate(
    State(balancer): State<Arc<Balancer>>,
    payload: Payload,
) -> Result<Json<Value>, ApiError> {
    let hash: Option<String> = payload.optional("hash", "a plugin's name")?;
    let placement: Option<String> = payload.optional("placement", "a plugin's name")?;
    if hash.is_none() && placement.is_none() {
        return Err(ApiError::bad("field 'hash' or 'placement' is needed"));
    }
    // It goes on to its end where the client does not wait for it.
    let choosing = balancer.clone();
    tokio::spawn(async move { choosing.activate(hash.as_deref(), placement.as_deref()).await })
        .await
        .map_err(|error| {
            tracing::error!(%error, "a choice of plugins failed");
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            ApiError { status, message: "internal error".into() }
        })??;
    let (hash, placement) = (balancer.brain.hash(), balancer.brain.placement());
    Ok(Json(json!({
        "message": {"hash": hash.name, "placement": placement.name},
        "status": "successful",
    })))
}

impl From<ActivateError> for ApiError {
    fn from(e: ActivateError) -> Self {
        let message = e.to_string();
        match e {
            ActivateError::Brain(BrainError::Watch(_)) => ApiError::unavailable(message),
            ActivateError::Brain(BrainError::Refused { .. }) => ApiError::bad(message),
            ActivateError::Brain(BrainError::Unknown { .. } | BrainError::NoneAtAll { .. }) => {
                ApiError::missing(message)
            }
            ActivateError::Layout(_) => ApiError::bad(format!("field 'hash': {message}")),
            ActivateError::Cluster(e) => e.into(),
        }
    }
}
