//! How much is taken on: requests under way at once, and requests a second of one client.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::ApiError;
use super::connections::client;
use super::per_second::PerSecond;
use crate::Settings;

/// Who asks these looks whether a balancer lives that may well have enough to do.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// What a balancer takes on.
#[derive(Clone)]
pub(super) struct Limits {
    under_way: Arc<Semaphore>,
    rate: Option<Arc<PerSecond>>,
}

impl Limits {
    pub(super) fn new(settings: &Settings) -> Self {
        let most = settings.max_requests.min(Semaphore::MAX_PERMITS);
        let rate = (settings.rate_limit > 0).then(|| Arc::new(PerSecond::new(settings.rate_limit)));
        Limits { under_way: Arc::new(Semaphore::new(most)), rate }
    }
}

/// Lets a request in, or refuses it at once: whoever waits in a queue holds up all behind.
pub(super) async fn admit(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    if PROBES.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    if limits.rate.is_some_and(|rate| !rate.take(client(&request))) {
        return later(ApiError::too_many("too many requests a second came from this address"));
    }
    let Ok(_under_way) = limits.under_way.try_acquire() else {
        return later(ApiError::unavailable("too many requests are under way"));
    };
    next.run(request).await
}

/// A refusal of what may do well in a second.
pub(super) fn later(refusal: ApiError) -> Response {
    ([(header::RETRY_AFTER, "1")], refusal).into_response()
}
