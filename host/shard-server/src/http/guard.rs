//! Who may ask: with a secret, the balancer that shows it.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use ringwright_wire::Secret;

use super::failure::Failure;

/// What tells no more than that a server lives, where, and how busy it is.
const OPEN: [&str; 3] = ["/home", "/heartbeat", "/metrics"];

/// Routes that answer only to those who show the secret, where there is one. `/home`, `/heartbeat`
/// and `/metrics` answer also to those who show nothing.
pub fn guard(router: Router, secret: Option<Secret>) -> Router {
    match secret {
        Some(secret) => router.layer(from_fn_with_state(secret, known)),
        None => router,
    }
}

/// Looks at the headers alone: what a stranger sends is not read.
async fn known(State(secret): State<Secret>, request: Request, next: Next) -> Response {
    if is_open(&request) || secret.is_shown(request.headers()) {
        return next.run(request).await;
    }
    let refused = Failure::new(
        StatusCode::UNAUTHORIZED,
        "this server wants the secret of its balancer as 'authorization: Bearer …'",
    );
    ([(WWW_AUTHENTICATE, "Bearer")], refused).into_response()
}

fn is_open(request: &Request) -> bool {
    request.method() == Method::GET
        && OPEN.contains(&request.uri().path())
        // Whoever shows a wrong secret is told so at once: a balancer by its first heartbeat.
        && !request.headers().contains_key(AUTHORIZATION)
}
