//! The dashboard: one page that shows a cluster as it is now, and changes it.
//!
//! It is HTML, CSS and ES modules kept by hand: no framework, no bundler, no build. What a browser
//! runs is what stands in `assets/`, so a reader finds each panel in the one file of its name, and
//! a program that is to outlive its toolchains carries none for its page. What a framework would
//! give, a tree that follows its data, is little here: every panel is drawn whole, or only the
//! rows in sight of it, from one snapshot a second.
//!
//! Everything comes from the balancer itself, and the page may load nothing else ([`POLICY`]).

mod assets;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

/// What the page may load: its own files, and no script or style within the page.
pub const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Sent with each file. A newer balancer has newer files under the same names: a browser is to ask.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-cache"),
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// `/dashboard`, and what it is made of beneath it.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/dashboard", get(page))
        .route("/dashboard/", get(async || Redirect::permanent("../dashboard")))
        .route("/dashboard/{*file}", get(file))
}

async fn page() -> Response {
    served("index.html")
}

async fn file(Path(name): Path<String>) -> Response {
    served(&name)
}

fn served(name: &str) -> Response {
    match assets::find(name) {
        Some(asset) => {
            (HEADERS, [(header::CONTENT_TYPE, asset.content_type())], asset.text).into_response()
        }
        None => (StatusCode::NOT_FOUND, HEADERS, "the dashboard has no such file").into_response(),
    }
}

#[cfg(test)]
mod tests;
