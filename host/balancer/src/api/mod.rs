//! The REST API, one module a theme.

mod about;
mod attributes;
mod database;
mod error;
mod listed;
mod payload;
mod plugins;
mod proxy;
mod rebalance;
mod repeatable;
mod ring;
mod rows;
mod servers;
mod whole;

pub use error::{ApiError, Failure};
pub use payload::Payload;

use std::any::Any;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use crate::Balancer;

#[derive(OpenApi)]
#[openapi(info(
    title = "Ringwright",
    description = "A load balancer in front of a sharded, replicated database"
))]
struct Description;

/// The balancer's whole API.
pub fn router(balancer: Arc<Balancer>) -> Router {
    let limit = balancer.settings.body_limit;
    let (router, openapi) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(about::root))
        .routes(routes!(about::help))
        .routes(routes!(about::healthz))
        .routes(routes!(about::readyz))
        .merge(shape(balancer.settings.upload_limit))
        .routes(routes!(database::status))
        .routes(routes!(servers::rep))
        .routes(routes!(rows::read, rows::read_example))
        .routes(routes!(rows::write, rows::write_example))
        .routes(routes!(rows::update, rows::update_example))
        .routes(routes!(rows::del, rows::del_example))
        .routes(routes!(ring::ring))
        .split_for_parts();
    router
        .merge(SwaggerUi::new("/docs").url("/openapi.json", openapi))
        .fallback(proxy::forward)
        .method_not_allowed_fallback(about::wrong_method)
        .layer(DefaultBodyLimit::max(limit))
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(balancer)
}

/// What changes the cluster's shape or its brains.
fn shape(upload_limit: usize) -> OpenApiRouter<Arc<Balancer>> {
    let uploads = OpenApiRouter::new()
        .routes(routes!(plugins::list, plugins::upload))
        .layer(DefaultBodyLimit::max(upload_limit));
    OpenApiRouter::new()
        .routes(routes!(database::init, database::init_example))
        .routes(routes!(servers::add, servers::add_example))
        .routes(routes!(servers::rm, servers::rm_example))
        .routes(routes!(attributes::tell))
        .routes(routes!(rebalance::rebalance))
        .routes(routes!(plugins::activate))
        .routes(routes!(plugins::shadow, plugins::cast_shadow, plugins::end_shadow))
        .merge(uploads)
        .layer(from_fn(whole::see_through))
}

/// Serves the API until `stop` is ready and the requests under way are answered.
///
/// # Errors
/// Where the listener breaks.
pub async fn serve(
    listener: TcpListener,
    balancer: Arc<Balancer>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
    });
    axum::serve(listener, router(balancer)).with_graceful_shutdown(stop).await
}

/// A fault of ours, told as one; the request that met it is lost, nothing else.
fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let text = cause.downcast_ref::<&str>().copied().unwrap_or("unknown");
    tracing::error!(cause = text, "a request handler panicked");
    let status = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
    ApiError { status, message: "internal error".into() }.into_response()
}
