//! The REST API, one module a theme.

mod about;
mod attributes;
mod connections;
mod dashboard;
mod database;
mod demo;
mod error;
mod events;
mod limits;
pub(crate) mod listed;
mod measured;
mod metrics;
mod origin;
mod patient;
mod payload;
mod per_second;
mod plugins;
mod proxy;
mod rebalance;
mod repeatable;
mod ring;
mod rows;
mod servers;
mod streams;
mod token;
mod whole;

pub use error::{ApiError, Failure};
pub use payload::Payload;
pub(crate) use streams::Streams;

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use crate::live::Live;
use crate::{Balancer, Settings};

#[derive(OpenApi)]
#[openapi(info(
    title = "Ringwright",
    description = "A load balancer in front of a sharded, replicated database"
))]
struct Description;

/// The balancer's whole API.
pub fn router(balancer: Arc<Balancer>) -> Router {
    let settings = &balancer.settings;
    let (limit, limits) = (settings.body_limit, limits::Limits::new(settings));
    let (router, openapi) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(about::root))
        .routes(routes!(about::help))
        .routes(routes!(about::healthz))
        .routes(routes!(about::readyz))
        .routes(routes!(metrics::metrics))
        .routes(routes!(metrics::servers))
        .merge(shape(settings))
        .routes(routes!(database::status))
        .routes(routes!(servers::rep))
        .routes(routes!(rows::read, rows::read_example))
        .routes(routes!(rows::write, rows::write_example))
        .routes(routes!(rows::update, rows::update_example))
        .routes(routes!(rows::del, rows::del_example))
        .routes(routes!(ring::ring))
        .routes(routes!(events::events))
        .split_for_parts();
    router
        .merge(dashboard::router())
        .merge(SwaggerUi::new("/docs").url("/openapi.json", openapi))
        .fallback(proxy::forward)
        .method_not_allowed_fallback(about::wrong_method)
        .layer(DefaultBodyLimit::max(limit))
        .layer(from_fn(origin::own))
        .layer(from_fn_with_state(limits, limits::admit))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(balancer.clone(), measured::measure))
        .layer(from_fn(ringwright_trace::begin))
        .with_state(balancer)
}

/// What changes the cluster's shape or its brains. Whoever changes either shows the token.
fn shape(settings: &Settings) -> OpenApiRouter<Arc<Balancer>> {
    let uploads = OpenApiRouter::new()
        .routes(routes!(plugins::list, plugins::upload))
        .layer(DefaultBodyLimit::max(settings.upload_limit));
    let gate = token::Gate::new(settings.token.clone());
    let mut shape = OpenApiRouter::new()
        .routes(routes!(database::init, database::init_example))
        .routes(routes!(servers::add, servers::add_example))
        .routes(routes!(servers::rm, servers::rm_example))
        .routes(routes!(attributes::tell))
        .routes(routes!(rebalance::rebalance))
        .routes(routes!(plugins::activate))
        .routes(routes!(plugins::shadow, plugins::cast_shadow, plugins::end_shadow))
        .merge(uploads);
    if settings.demo {
        shape = shape.routes(routes!(demo::kill));
    }
    let mut shape =
        shape.layer(from_fn(whole::see_through)).layer(from_fn_with_state(gate, token::guard));
    token::describe(shape.get_openapi_mut());
    shape
}

/// Serves the API until `stop` is ready and the requests under way are answered.
pub async fn serve(
    listener: TcpListener,
    balancer: Arc<Balancer>,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let (most, open) = (balancer.settings.max_connections, balancer.metrics.connections.clone());
    let router = router(balancer.clone());
    let mut looks = JoinSet::new(); // dropped, it ends them
    looks.spawn(Live::look(balancer.clone()));
    let stop = async move {
        stop.await;
        // Nobody waits for what has no end.
        balancer.streams.end();
    };
    connections::serve(listener, most, router, open, stop).await;
}

/// A fault of ours, told as one; the request that met it is lost, nothing else.
fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let text = cause.downcast_ref::<&str>().copied().unwrap_or("unknown");
    tracing::error!(cause = text, "a request handler panicked");
    let status = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
    ApiError { status, message: "internal error".into() }.into_response()
}
