//! Plain balancing: any other path goes to one server, chosen by the active hash function.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::uri::{PathAndQuery, Scheme};
use axum::http::{Method, Request, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use ringwright_trace::RequestId;
use ringwright_wire::WireError;

use super::ApiError;
use crate::Balancer;
use crate::routing::SIX_DIGITS;

/// Paths of a server that are the balancer's business alone.
fn is_internal(path: &str) -> bool {
    path.starts_with("/internal") || matches!(path, "/config" | "/copy")
}

pub(super) async fn forward(
    State(balancer): State<Arc<Balancer>>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let path = request.uri().path().to_owned();
    let unknown = || ApiError::bad(format!("'{path}' endpoint does not exist in server replicas"));
    if request.method() != Method::GET {
        return Err(ApiError::missing(format!("'{path}' does not exist")));
    }
    if is_internal(&path) {
        return Err(unknown());
    }
    let id = number(&RequestId::current().unwrap_or_default());
    balancer.cluster.charge().check()?;
    let query = request.uri().path_and_query().cloned();
    for member in balancer.router.order(id, &balancer.live()) {
        let Some(address) = balancer.fleet.address(&member.name) else { continue };
        let under_way = member.begin();
        match ask(&balancer, &address, query.clone()).await {
            Some(answer) if answer.status() == StatusCode::NOT_FOUND => return Err(unknown()),
            // That is between the server and us.
            Some(answer) if answer.status() == StatusCode::UNAUTHORIZED => {
                member.failed();
                let (server, error) = (&member.name, WireError::Secret);
                tracing::warn!(server, %error, "a request goes to the next server");
            }
            // It is under way until its last byte is.
            Some(answer) => {
                return Ok(answer.map(|body| {
                    Body::new(body.map_frame(move |frame| {
                        let _ = &under_way;
                        frame
                    }))
                }));
            }
            None => {
                member.failed();
                tracing::debug!(server = member.name, "a request goes to the next server");
            }
        }
    }
    Err(ApiError::unavailable("no server answers"))
}

/// What the hash function takes a request by: its id where that is a number, as the paper's are,
/// else a number of six digits that the id always gives. So whoever sends the id of an answer
/// again comes to the same server.
fn number(id: &RequestId) -> u64 {
    id.as_str().parse().unwrap_or_else(|_| {
        let mut hasher = DefaultHasher::new();
        id.as_str().hash(&mut hasher);
        SIX_DIGITS.start + hasher.finish() % (SIX_DIGITS.end - SIX_DIGITS.start)
    })
}

async fn ask(balancer: &Balancer, address: &str, path: Option<PathAndQuery>) -> Option<Response> {
    let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
    let uri =
        Uri::builder().scheme(Scheme::HTTP).authority(address).path_and_query(path).build().ok()?;
    let mut request =
        Request::get(uri).header(header::ACCEPT, "application/json").body(Body::empty()).ok()?;
    if let Some(secret) = balancer.fleet.secret() {
        request.headers_mut().insert(header::AUTHORIZATION, secret.authorization());
    }
    ringwright_trace::pass_on(request.headers_mut());
    let limit = balancer.settings.server_timeout;
    let answer = tokio::time::timeout(limit, balancer.http.request(request)).await.ok()?.ok()?;
    Some(answer.into_response())
}
