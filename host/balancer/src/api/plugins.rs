//! The plugins: `/plugins` and `/plugins/active`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use ringwright_metadata::Change;
use ringwright_plugin_runtime::{Entry, State as Admission};
use serde_json::{Value, json};

use super::{ApiError, Payload};
use crate::Balancer;
use crate::brain::BrainError;

/// The plugins in the plugin folder, and which are active.
#[utoipa::path(get, path = "/plugins", tag = "plugins", responses((status = 200, body = Value)))]
pub(super) async fn list(State(balancer): State<Arc<Balancer>>) -> Json<Value> {
    let (hash, placement) = (balancer.brain.hash(), balancer.brain.placement());
    let look = move || {
        balancer.brain.catalogue(|c| {
            let active = |e: &Entry| {
                (e.kind() == "hash" && e.name() == hash.name)
                    || (e.kind() == "placement" && e.name() == placement.name)
            };
            let list: Vec<Value> = c.entries().map(|e| describe(e, active(e))).collect();
            json!({"message": {
                "active": {"hash": hash.name, "placement": placement.name},
                "plugins": list,
            }, "status": "successful"})
        })
    };
    // A new file is compiled here: not on a thread that serves requests.
    Json(tokio::task::spawn_blocking(look).await.unwrap_or_default())
}

fn describe(entry: &Entry, active: bool) -> Value {
    let (state, reason, description) = match entry.state() {
        Admission::Loaded(plugin) => ("loaded", None, Some(plugin.description())),
        Admission::Refused(reason) => ("refused", Some(reason), None),
    };
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
        "source": description.map(|d| &d.source),
    })
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
    let brain = balancer.brain.clone();
    let found = tokio::task::spawn_blocking(move || {
        let hash = hash.map(|name| brain.find_hash(&name)).transpose()?;
        let placement = placement.map(|name| brain.find_placement(&name)).transpose()?;
        Ok::<_, BrainError>((hash, placement))
    });
    let (hash, placement) = found
        .await
        .map_err(|e| ApiError::unavailable(e.to_string()))?
        .map_err(|e| ApiError::missing(e.to_string()))?;
    if let Some(hash) = &hash {
        // What cannot lay out the servers there are must not come between them and requests.
        balancer
            .router
            .lay_out(hash, &balancer.live())
            .map_err(|e| ApiError::bad(format!("field 'hash': {e}")))?;
    }
    let mut changes = Vec::new();
    changes.extend(hash.as_ref().map(|h| Change::HashPlugin(h.name.clone())));
    changes.extend(placement.as_ref().map(|p| Change::PlacementPlugin(p.name.clone())));
    balancer.cluster.record(changes).await?;
    if let Some(hash) = hash {
        tracing::info!(plugin = hash.name, "hash function swapped");
        balancer.brain.use_hash(hash);
        balancer.record_ring().await;
    }
    if let Some(placement) = placement {
        tracing::info!(plugin = placement.name, "placement policy swapped");
        balancer.brain.use_placement(placement);
    }
    let (hash, placement) = (balancer.brain.hash(), balancer.brain.placement());
    Ok(Json(json!({
        "message": {"hash": hash.name, "placement": placement.name},
        "status": "successful",
    })))
}
