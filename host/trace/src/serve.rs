//! Requests as they come in: middleware of axum.

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::RequestId;
use crate::headers::join_trace;
use crate::request_id::HEADER;

/// Handles a request under an id, its client's or a new one, which the answer has as well.
pub async fn begin(request: Request, next: Next) -> Response {
    let id = RequestId::of_client(request.headers()).unwrap_or_default();
    let mut answer = handle(id.clone(), request, next).await;
    if let Some(id) = id.value() {
        answer.headers_mut().insert(HEADER, id);
    }
    answer
}

/// Handles a request of another program of ours under the id that it passed on. One that has none,
/// such as a heartbeat, is not worth a span.
pub async fn follow(request: Request, next: Next) -> Response {
    match RequestId::passed_on(request.headers()) {
        Some(id) => handle(id, request, next).await,
        None => next.run(request).await,
    }
}

async fn handle(id: RequestId, request: Request, next: Next) -> Response {
    let span = span(&id, &request);
    join_trace(&span, request.headers());
    let served = async {
        let answer = next.run(request).await;
        let status = answer.status().as_u16();
        Span::current().record("status", status);
        tracing::debug!("answered");
        answer
    };
    id.run(served.instrument(span)).await
}

fn span(id: &RequestId, request: &Request) -> Span {
    let route = request.extensions().get::<MatchedPath>();
    tracing::info_span!(
        "request",
        request_id = id.as_str(),
        method = request.method().as_str(),
        route = route.map_or("forwarded", MatchedPath::as_str),
        status = Empty,
    )
}
