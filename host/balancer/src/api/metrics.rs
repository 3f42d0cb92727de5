//! The metrics: `/metrics`, and where those of the servers are: `/metrics/servers`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus::TEXT_FORMAT;
use ringwright_replication::Member;
use serde_json::{Value, json};

use super::ApiError;
use super::limits::later;
use crate::Balancer;
use crate::metrics;

/// What the balancer counts and measures, in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "about",
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn metrics(State(balancer): State<Arc<Balancer>>) -> Result<Response, ApiError> {
    let Ok(_turn) = balancer.metrics.scrapes.try_acquire() else {
        return Ok(later(ApiError::unavailable("the metrics are told to others now")));
    };
    let told = metrics::told(&balancer).map_err(|error| {
        tracing::error!(%error, "the metrics cannot be told");
        ApiError::unavailable("the metrics cannot be told")
    })?;
    Ok(([(header::CONTENT_TYPE, TEXT_FORMAT)], told).into_response())
}

/// Where the servers that answer tell their own metrics, as Prometheus' discovery of targets by
/// HTTP wants it.
#[utoipa::path(get, path = "/metrics/servers", tag = "about",
    responses((status = 200, body = Value)))]
pub(super) async fn servers(State(balancer): State<Arc<Balancer>>) -> Json<Value> {
    let target = |member: &Arc<Member>| {
        let address = balancer.fleet.address(&member.name)?;
        Some(json!({"targets": [address], "labels": {"server": member.name}}))
    };
    Json(balancer.live().iter().filter_map(target).collect())
}
