//! Writes that a client may send again: `Idempotency-Key`.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use ringwright_replication::Once;
use sha2::{Digest, Sha256};

use super::{ApiError, Payload};

/// Longest key taken, in bytes.
const LONGEST: usize = 255;

/// A payload with the idempotency key it came under.
pub(super) struct Repeatable {
    pub(super) payload: Payload,
    key: Option<(String, String)>,
}

impl Repeatable {
    /// What makes the write repeatable, where the client asked for it; `answer` is kept.
    pub(super) fn once(&self, answer: &str) -> Option<Once> {
        self.key.clone().map(|(key, fingerprint)| Once {
            key,
            fingerprint,
            answer: answer.to_owned(),
        })
    }
}

impl<S: Send + Sync> FromRequest<S> for Repeatable {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let key = match request.headers().get("idempotency-key") {
            None => None,
            Some(value) => Some(
                value
                    .to_str()
                    .ok()
                    .filter(|key| !key.is_empty() && key.len() <= LONGEST)
                    .ok_or_else(|| {
                        let message = format!(
                            "header 'Idempotency-Key' must be 1 to {LONGEST} printable characters"
                        );
                        ApiError::bad(message)
                    })?
                    .to_owned(),
            ),
        };
        let what = format!("{} {}\n", request.method(), request.uri().path());
        let body = Bytes::from_request(request, state).await.map_err(super::payload::unread)?;
        let key = key.map(|key| {
            let digest = Sha256::new().chain_update(what).chain_update(&body).finalize();
            (key, digest.iter().map(|b| format!("{b:02x}")).collect())
        });
        Ok(Repeatable { payload: Payload::parse(&body, "the payload")?, key })
    }
}
