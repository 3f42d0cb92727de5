//! The dashboard: its page, and what it shows as it changes.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use axum::routing::get;
use futures::StreamExt;

use crate::Balancer;
use crate::live::Live;

/// `/dashboard`, and what it lives on. It is for people: the API has all of it under other names.
pub(super) fn router() -> Router<Arc<Balancer>> {
    ringwright_dashboard::router().route("/dashboard/live", get(live))
}

/// Server-sent events, a snapshot a second.
async fn live(State(balancer): State<Arc<Balancer>>) -> Response {
    let seen = Live::watch(&balancer).map(|told| Event::default().event(told.name).data(told.json));
    balancer.streams.answer(seen)
}
