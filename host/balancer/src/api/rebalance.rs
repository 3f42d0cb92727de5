//! `/rebalance`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::{ApiError, Payload};
use crate::Balancer;

/// Asks the placement policy for moves toward balance, and carries them out where it is no dry
/// run, which it is unless told otherwise.
#[utoipa::path(post, path = "/rebalance", tag = "servers",
    request_body(content = Value, example = json!({"dry_run": true})),
    responses((status = 200, body = Value), (status = 400, body = super::Failure),
        (status = 503, body = super::Failure)))]
pub(super) async fn rebalance(
    State(balancer): State<Arc<Balancer>>,
    payload: Payload,
) -> Result<Json<Value>, ApiError> {
    let dry_run = payload.optional("dry_run", "true or false")?.unwrap_or(true);
    let moves = balancer.rebalance(dry_run).await?;
    Ok(Json(json!({"message": {"dry_run": dry_run, "moves": moves}, "status": "successful"})))
}
