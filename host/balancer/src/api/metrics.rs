//! The metrics: `/metrics`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus::{TEXT_FORMAT, TextEncoder};

use super::ApiError;
use crate::Balancer;
use crate::metrics::gather;

/// What the balancer counts and measures, in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "about",
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn metrics(State(balancer): State<Arc<Balancer>>) -> Result<Response, ApiError> {
    let told = gather(&balancer).and_then(|all| TextEncoder::new().encode_to_string(&all));
    let told = told.map_err(|error| {
        tracing::error!(%error, "the metrics cannot be told");
        ApiError::unavailable("the metrics cannot be told")
    })?;
    Ok(([(header::CONTENT_TYPE, TEXT_FORMAT)], told).into_response())
}
