//! Who may change the cluster: with a token, those who show it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ringwright_wire::Secret;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};

use super::ApiError;
use super::connections::client;
use super::limits::later;
use super::per_second::PerSecond;

/// Wrong tokens of an address that are told and logged in a second. Many clients may share one, so
/// that the right token is good whatever others show: it is too long to be found at any rate.
const WRONG: u32 = 5;

/// As much of a path as is logged.
const LOGGED: usize = 200;

/// The scheme's name in the description.
const SCHEME: &str = "token";

/// What knows the token.
#[derive(Clone)]
pub(super) struct Gate {
    token: Option<Secret>,
    wrong: Arc<PerSecond>,
}

impl Gate {
    pub(super) fn new(token: Option<Secret>) -> Self {
        Gate { token, wrong: Arc::new(PerSecond::new(WRONG)) }
    }
}

/// Lets through who only looks, or shows the token. It goes by the headers: what a stranger
/// uploads is not read.
pub(super) async fn guard(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let Some(token) = gate.token.filter(|_| !request.method().is_safe()) else {
        return next.run(request).await;
    };
    if token.is_shown(request.headers()) {
        return next.run(request).await;
    }
    let (method, path) = (request.method(), request.uri().path());
    if request.headers().contains_key(AUTHORIZATION) {
        let client = client(&request);
        if !gate.wrong.take(client) {
            return later(ApiError::too_many("too many wrong tokens came from this address"));
        }
        let path = format_args!("{path:.LOGGED$}");
        tracing::warn!(%client, %method, %path, "a wrong token was shown");
    }
    let message = format!("{method} {path} wants the token: send it as 'authorization: Bearer …'");
    ([(WWW_AUTHENTICATE, "Bearer")], ApiError::unauthorized(message)).into_response()
}

/// Describes the token on all routes that want it.
pub(super) fn describe(openapi: &mut OpenApi) {
    for item in openapi.paths.paths.values_mut() {
        let PathItem { put, post, delete, patch, .. } = item;
        for operation in [put, post, delete, patch].into_iter().flatten() {
            let wants = SecurityRequirement::new(SCHEME, [] as [&str; 0]);
            operation.security.get_or_insert_default().push(wants);
        }
    }
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    openapi.components.get_or_insert_default().add_security_scheme(SCHEME, scheme);
}
