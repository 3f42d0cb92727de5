//! The balancer's messages, one route each.

use std::future::Future;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use ringwright_wire::{RefusalBody, ShardServer, WireError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Server;
use super::failure::status_of;
use super::payload::Payload;

pub(super) fn router() -> Router<Server> {
    macro_rules! message {
        ($method:ident) => {
            post(|State(server): State<Server>, payload: Payload| async move {
                answer(payload, |request| async move { server.storage.$method(request).await })
                    .await
            })
        };
    }
    Router::new()
        .route("/adopt", message!(adopt))
        .route("/assign", message!(assign))
        .route("/apply", message!(apply))
        .route("/read", message!(read))
        .route("/export", message!(export))
        .route("/import", message!(import))
        .route("/collect", message!(collect))
        .route("/measure", message!(measure))
        .route("/paper", message!(paper))
}

async fn answer<Q, A, F>(Payload(body): Payload, ask: impl FnOnce(Q) -> F) -> Response
where
    Q: DeserializeOwned,
    A: Serialize,
    F: Future<Output = Result<A, WireError>>,
{
    let outcome = match serde_json::from_slice(&body) {
        Ok(request) => ask(request).await,
        Err(e) => Err(WireError::BadRequest { message: e.to_string() }),
    };
    match outcome {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => {
            let message = format!("<Error> {error}");
            let status = status_of(&error);
            let body = RefusalBody { message, status: "failure".to_owned(), error };
            (status, Json(body)).into_response()
        }
    }
}
