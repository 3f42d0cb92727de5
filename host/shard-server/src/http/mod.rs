//! HTTP before the storage: the balancer's messages, and the paper's routes.

mod copy;
mod failure;
mod guard;
mod internal;
mod measured;
mod payload;
mod rest;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderName, StatusCode, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use serde_json::json;

use crate::Storage;
use failure::Failure;
pub use guard::guard;

/// A batch, a page of a copy: the balancer keeps them far below this.
const BODY_LIMIT: usize = 64 << 20;

/// Header of a heartbeat's answer that names the database.
const INCARNATION: HeaderName = HeaderName::from_static("x-ringwright-incarnation");

/// What the handlers share.
#[derive(Clone)]
struct Server {
    name: Arc<str>,
    storage: Storage,
}

/// The routes of a shard server of that name.
pub fn router(name: &str, storage: Storage) -> Router {
    let server = Server { name: name.into(), storage };
    Router::new()
        .route("/home", get(home))
        .route("/heartbeat", get(heartbeat))
        .route("/metrics", get(measured::metrics))
        .route("/config", post(rest::config))
        .route("/copy", get(rest::copy))
        .route("/read", post(rest::read))
        .route("/write", post(rest::write))
        .route("/update", put(rest::update))
        .route("/del", delete(rest::del))
        .nest("/internal", internal::router())
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(server.clone(), measured::measure))
        .layer(from_fn(ringwright_trace::follow))
        .with_state(server)
}

async fn home(State(server): State<Server>) -> impl IntoResponse {
    let message = format!("Hello from Server: {}", server.name);
    Json(json!({ "message": message, "status": "successful" }))
}

/// Touches no database: a server that is busy is alive.
async fn heartbeat(State(server): State<Server>) -> impl IntoResponse {
    [(INCARNATION, server.storage.incarnation().to_owned())]
}

async fn unknown(uri: Uri) -> Failure {
    let message = format!("'{}' endpoint does not exist in server replicas", uri.path());
    Failure::new(StatusCode::NOT_FOUND, message)
}

async fn wrong_method(uri: Uri) -> Failure {
    let message = format!("'{}' does not take this method", uri.path());
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, message)
}
