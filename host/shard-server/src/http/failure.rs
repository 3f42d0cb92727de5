//! Errors as JSON.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ringwright_model::{RowError, SchemaError};
use ringwright_wire::{Refusal, RefusalReason, WireError};
use serde_json::json;

/// An answer of `{"message": "<Error> …", "status": "failure"}`.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    message: String,
}

impl Failure {
    pub(super) fn new(status: StatusCode, message: impl ToString) -> Self {
        Failure { status, message: message.to_string() }
    }

    /// A payload that cannot be right.
    pub(super) fn bad(message: impl ToString) -> Self {
        Failure::new(StatusCode::BAD_REQUEST, message)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let message = format!("<Error> {}", self.message);
        (self.status, Json(json!({ "message": message, "status": "failure" }))).into_response()
    }
}

/// The status that carries a refusal of the rules.
pub(super) fn status_of(e: &WireError) -> StatusCode {
    StatusCode::from_u16(e.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl From<WireError> for Failure {
    fn from(e: WireError) -> Self {
        Failure::new(status_of(&e), e)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let key = refusal.key;
        match refusal.reason {
            RefusalReason::Exists => {
                Failure::new(StatusCode::CONFLICT, format!("a row with key {key} exists"))
            }
            RefusalReason::Missing => {
                Failure::new(StatusCode::NOT_FOUND, format!("there is no row with key {key}"))
            }
        }
    }
}

impl From<RowError> for Failure {
    fn from(e: RowError) -> Self {
        Failure::bad(e)
    }
}

impl From<SchemaError> for Failure {
    fn from(e: SchemaError) -> Self {
        Failure::bad(e)
    }
}
