//! Which pages may have a browser send what changes something: the balancer's own.

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::ApiError;

/// Refuses what a page of another host sends. A browser sends it without asking first, from any
/// page a person looks at, to whatever that person reaches; what is no browser names no origin.
pub(super) async fn own(request: Request, next: Next) -> Response {
    if request.method().is_safe() || is_own(&request) {
        return next.run(request).await;
    }
    ApiError::forbidden("header 'origin' names another host: its pages may change nothing here")
        .into_response()
}

fn is_own(request: &Request) -> bool {
    let Some(origin) = request.headers().get(ORIGIN) else { return true };
    let host = origin.to_str().ok().and_then(|origin| Some(origin.split_once("://")?.1));
    let ours = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    host.zip(ours).is_some_and(|(host, ours)| host.eq_ignore_ascii_case(ours))
}
