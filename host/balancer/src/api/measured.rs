//! Every request, measured.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

use crate::Balancer;

/// Counts a request and its answer. What may be anything is told apart no further: a client must
/// not be able to add metrics.
pub(super) async fn measure(
    State(balancer): State<Arc<Balancer>>,
    request: Request,
    next: Next,
) -> Response {
    let requests = &balancer.metrics.requests;
    let (began, _under_way) = (Instant::now(), requests.begin());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = known(request.method());
    let answer = next.run(request).await;
    let route = route.as_ref().map_or("forwarded", MatchedPath::as_str);
    requests.answered([route, method, answer.status().as_str()], began.elapsed());
    answer
}

fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
