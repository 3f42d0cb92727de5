//! How errors are told to clients.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ringwright_replication::{ClusterError, NotInCharge, ReadError};
use serde::Serialize;
use utoipa::ToSchema;

/// A refusal: its HTTP status, and what is wrong with which field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// 4xx, or 503.
    pub status: StatusCode,
    /// For the client.
    pub message: String,
}

/// An error as clients see it.
#[derive(Serialize, ToSchema)]
pub struct Failure {
    /// What is wrong, with which field.
    #[schema(example = "<Error> field 'Stud_id' is missing")]
    message: String,
    /// Always `failure`.
    #[schema(example = "failure")]
    status: &'static str,
}

impl ApiError {
    /// The payload can't be right.
    pub fn bad(message: impl Into<String>) -> Self {
        ApiError { status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    /// The client has not shown who it is.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        ApiError { status: StatusCode::UNAUTHORIZED, message: message.into() }
    }

    /// Whoever asks may not, whatever it shows.
    pub fn forbidden(message: impl Into<String>) -> Self {
        ApiError { status: StatusCode::FORBIDDEN, message: message.into() }
    }

    /// The client asks for too much at once.
    pub fn too_many(message: impl Into<String>) -> Self {
        ApiError { status: StatusCode::TOO_MANY_REQUESTS, message: message.into() }
    }

    /// What is named is not there.
    pub fn missing(message: impl Into<String>) -> Self {
        ApiError { status: StatusCode::NOT_FOUND, message: message.into() }
    }

    /// It clashes with what is there.
    pub fn conflict(message: impl Into<String>) -> Self {
        ApiError { status: StatusCode::CONFLICT, message: message.into() }
    }

    /// Nobody can serve it now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        ApiError { status: StatusCode::SERVICE_UNAVAILABLE, message: message.into() }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let message = format!("<Error> {}", self.message);
        (self.status, Json(Failure { message, status: "failure" })).into_response()
    }
}

impl From<NotInCharge> for ApiError {
    fn from(e: NotInCharge) -> Self {
        ApiError::unavailable(e.to_string())
    }
}

impl From<ReadError> for ApiError {
    fn from(e: ReadError) -> Self {
        match e {
            ReadError::NotConfigured => ApiError::bad(e.to_string()),
            ReadError::Unavailable(_) | ReadError::NotInCharge(_) => {
                ApiError::unavailable(e.to_string())
            }
        }
    }
}

impl From<ClusterError> for ApiError {
    fn from(e: ClusterError) -> Self {
        let message = e.to_string();
        match e {
            ClusterError::NoServer(_) | ClusterError::NoShard(_) => ApiError::missing(message),
            ClusterError::Exists(_) | ClusterError::SameDatabase { .. } => {
                ApiError::conflict(message)
            }
            // That nobody could hold a copy was looked at before: those who hold one are away.
            ClusterError::LastReplica { .. }
            | ClusterError::Away(_)
            | ClusterError::NoSource(_)
            | ClusterError::LastDisk { .. }
            | ClusterError::JoinEnded { .. }
            | ClusterError::Server { .. }
            | ClusterError::Metadata(_)
            | ClusterError::Unknown(_)
            | ClusterError::Abandoned
            | ClusterError::NotInCharge(_) => ApiError::unavailable(message),
        }
    }
}
