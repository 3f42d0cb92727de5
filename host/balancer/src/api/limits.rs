//! How much is taken on: requests under way at once, and requests a second of one client.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ApiError;
use super::connections::client;
use super::per_second::PerSecond;
use crate::Settings;

/// Who asks these looks after a balancer that may well have enough to do.
const PROBES: [&str; 4] = ["/healthz", "/readyz", "/metrics", "/metrics/servers"];

/// What a balancer takes on.
#[derive(Clone)]
pub(super) struct Limits {
    under_way: Arc<Semaphore>,
    rate: Option<Arc<PerSecond>>,
}

impl Limits {
    pub(super) fn new(settings: &Settings) -> Self {
        let most = settings.max_requests.min(Semaphore::MAX_PERMITS);
        let rate = (settings.rate_limit > 0).then(|| Arc::new(PerSecond::new(settings.rate_limit)));
        Limits { under_way: Arc::new(Semaphore::new(most)), rate }
    }
}

/// Lets a request in, or refuses it at once: whoever waits in a queue holds up all behind.
pub(super) async fn admit(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    if PROBES.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    if limits.rate.is_some_and(|rate| !rate.take(client(&request))) {
        return later(ApiError::too_many("too many requests a second came from this address"));
    }
    let Ok(under_way) = limits.under_way.try_acquire_owned() else {
        return later(ApiError::unavailable("too many requests are under way"));
    };
    let answer = next.run(request).await;
    if answer.extensions().get::<Lasting>().is_some() {
        return answer;
    }
    let under_way = Arc::new(under_way);
    answer.map(|body| Body::new(Answer { body, under_way }))
}

/// Marks an answer that goes on for as long as its client listens: its request is done.
#[derive(Clone)]
pub(super) struct Lasting;

/// A refusal of what may do well in a second.
pub(super) fn later(refusal: ApiError) -> Response {
    ([(header::RETRY_AFTER, "1")], refusal).into_response()
}

/// An answer's body. Its request is under way until the last byte is sent: until then the answer
/// is in memory.
struct Answer {
    body: Body,
    under_way: Arc<OwnedSemaphorePermit>,
}

struct Part {
    bytes: Bytes,
    _under_way: Arc<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Part {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        frame.map_ok(|frame| {
            frame.map_data(|bytes| {
                Bytes::from_owner(Part { bytes, _under_way: self.under_way.clone() })
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use axum::Router;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::api::connections::tests::{ask, start};
    use crate::api::patient::WRITE_WITHIN;

    #[tokio::test(start_paused = true)]
    async fn a_request_is_under_way_until_its_client_has_the_answer_or_is_given_up() {
        let limits = Limits::new(&Settings { max_requests: 1, ..Settings::default() });
        let router = Router::new()
            .route("/", get(async || "small"))
            .route("/large", get(async || vec![b'x'; 64 << 20]))
            .layer(from_fn_with_state(limits, admit));
        let address = start(router, 8).await;
        let mut idle = ask(address, "GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let mut head = [0; 12];
        idle.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
        let another = async || {
            let mut told = String::new();
            let close = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
            ask(address, close).await.read_to_string(&mut told).await.unwrap();
            told
        };
        assert!(another().await.starts_with("HTTP/1.1 503 "));
        tokio::time::sleep(2 * WRITE_WITHIN).await;
        let told = another().await;
        assert!(told.starts_with("HTTP/1.1 200 ") && told.contains("content-length: 5"), "{told}");
        let mut rest = Vec::new();
        let read = idle.read_to_end(&mut rest).await;
        assert!(read.is_err() || rest.len() < 64 << 20, "it was sent whole");
    }
}
