//! Requests that are seen through, whether or not the client waits.

use std::panic::resume_unwind;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ringwright_trace::Cause;

use super::ApiError;

/// Handles a request on a task of its own. The server drops a handler whose client hangs up,
/// at whatever await it is at, and with it a change of the cluster's shape that is half made.
pub(super) async fn see_through(request: Request, next: Next) -> Response {
    match tokio::spawn(Cause::current().run(next.run(request))).await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => ApiError::unavailable("the balancer is stopping").into_response(),
        },
    }
}
