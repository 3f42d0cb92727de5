//! Every request, measured; and `/metrics`.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus::TEXT_FORMAT;

use super::Server;
use super::failure::Failure;

/// Counts a request and its answer, by a route that there is.
pub(super) async fn measure(
    State(server): State<Server>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let answer = next.run(request).await;
    let route = route.as_ref().map_or("unknown", MatchedPath::as_str);
    let metrics = server.storage.metrics();
    metrics.answered(route, answer.status().as_str(), began.elapsed());
    answer
}

pub(super) async fn metrics(State(server): State<Server>) -> Response {
    match server.storage.told().await {
        Ok(told) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], told).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be told");
            let why = "the metrics cannot be told";
            Failure::new(StatusCode::INTERNAL_SERVER_ERROR, why).into_response()
        }
    }
}
