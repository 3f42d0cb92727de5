//! What the balancer says of itself: `/`, `/help`, `/healthz`, `/readyz`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use ringwright_replication::{Served, ShardView};
use serde_json::{Map, Value, json};

use super::ApiError;
use crate::Balancer;

/// The routes as clients see them.
const ROUTES: [(&str, &str); 23] = [
    ("init", "/init - Methods : GET,POST"),
    ("status", "/status - Methods : GET"),
    ("add", "/add - Methods : GET,POST"),
    ("rm", "/rm - Methods : GET,DELETE"),
    ("servers/<name>", "/servers/<name> - Methods : PUT"),
    ("rebalance", "/rebalance - Methods : POST"),
    ("read", "/read - Methods : GET,POST"),
    ("write", "/write - Methods : GET,POST"),
    ("update", "/update - Methods : GET,PUT"),
    ("del", "/del - Methods : GET,DELETE"),
    ("rep", "/rep - Methods : GET"),
    ("help", "/help - Methods : GET"),
    ("plugins", "/plugins - Methods : GET,POST"),
    ("plugins/active", "/plugins/active - Methods : PUT"),
    ("plugins/shadow", "/plugins/shadow - Methods : GET,PUT,DELETE"),
    ("ring", "/ring - Methods : GET"),
    ("events", "/events - Methods : GET"),
    ("healthz", "/healthz - Methods : GET"),
    ("readyz", "/readyz - Methods : GET"),
    ("metrics", "/metrics - Methods : GET"),
    ("dashboard", "/dashboard - Methods : GET"),
    ("docs", "/docs - Methods : GET"),
    ("<path>", "/<path> - Methods : GET, sent to one server by the active hash function"),
];

/// The routes; as a page where a browser asks.
#[utoipa::path(get, path = "/", tag = "about", responses((status = 200, body = Value)))]
pub(super) async fn root(headers: HeaderMap) -> Response {
    routes(&headers)
}

/// The routes; as a page where a browser asks.
#[utoipa::path(get, path = "/help", tag = "about", responses((status = 200, body = Value)))]
pub(super) async fn help(headers: HeaderMap) -> Response {
    routes(&headers)
}

fn routes(headers: &HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("");
    if !accept.contains("text/html") {
        let routes: Map<String, Value> =
            ROUTES.iter().map(|(name, route)| ((*name).to_owned(), json!(route))).collect();
        return Json(json!({"message": routes, "status": "successful"})).into_response();
    }
    let rows: String = ROUTES
        .iter()
        .map(|(_, route)| format!("<li>{}</li>", route.replace('<', "&lt;")))
        .collect();
    let page = format!(
        "<!doctype html><meta charset=utf-8><title>Ringwright</title><h1>Ringwright</h1>\
         <p><a href=/dashboard>Dashboard</a> · <a href=/docs>Try the API</a> · <a href=/status>status</a></p><ul>{rows}</ul>"
    );
    Html(page).into_response()
}

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", tag = "about", responses((status = 200, body = Value)))]
pub(super) async fn healthz() -> Json<Value> {
    Json(json!({"message": "alive", "status": "success"}))
}

/// Whether requests can be served: the charge is held, and every shard has a replica in sync
/// that answers; also, where one is to be set up first, that there is a cluster.
#[utoipa::path(get, path = "/readyz", tag = "about",
    responses((status = 200, body = Value), (status = 503, body = super::Failure)))]
pub(super) async fn readyz(State(balancer): State<Arc<Balancer>>) -> Result<Json<Value>, ApiError> {
    balancer.cluster.charge().check()?;
    let view = balancer.cluster.view();
    if balancer.settings.expects_cluster && view.schema.is_none() {
        return Err(ApiError::unavailable("the cluster is being set up"));
    }
    let is_away = |shard: &&ShardView| balancer.cluster.served(shard) == Served::Unavailable;
    if let Some(shard) = view.shards.iter().find(is_away) {
        let id = &shard.shard.id;
        return Err(ApiError::unavailable(format!(
            "shard '{id}' has no replica in sync that answers"
        )));
    }
    Ok(Json(json!({"message": "ready", "status": "success"})))
}

/// A known path, another method.
pub(super) async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    let message = format!("'{}' does not take {method}", uri.path());
    ApiError { status: StatusCode::METHOD_NOT_ALLOWED, message }
}

/// What `GET` on a route that takes a payload answers.
pub(super) fn example(what: &str, payload: Value) -> Json<Value> {
    Json(json!({"message": what, "payload_structure": payload, "status": "success"}))
}
