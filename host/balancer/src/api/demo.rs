//! What only a demo lets people do: `/demo/kill`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::{ApiError, Payload};
use crate::Balancer;

/// Kills a server, as a power cut would: it misses heartbeats, is given up, and comes back.
#[utoipa::path(post, path = "/demo/kill", tag = "servers",
    request_body(content = Value, example = json!({"server": "Server1"})),
    responses((status = 200, body = Value), (status = 400, body = super::Failure),
        (status = 404, body = super::Failure), (status = 503, body = super::Failure)))]
pub(super) async fn kill(
    State(balancer): State<Arc<Balancer>>,
    payload: Payload,
) -> Result<Json<Value>, ApiError> {
    let server: String = payload.needed("server", "a name")?;
    if !balancer.cluster.view().servers.contains_key(&server) {
        return Err(ApiError::missing(format!("field 'server': there is no server '{server}'")));
    }
    balancer.fleet.crash(&server).await.map_err(|e| ApiError::unavailable(e.to_string()))?;
    tracing::warn!(server, "killed for a demo");
    Ok(Json(json!({"message": format!("{server} was killed"), "status": "successful"})))
}
