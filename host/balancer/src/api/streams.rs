//! Answers that go on for as long as their client listens: server-sent events.
//!
//! They are no requests under way, which have an end. So many of them are taken on at once, idle
//! or not; a client is told that one lives by a comment from time to time, and all of them end
//! when the balancer does.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use tokio::sync::{Semaphore, watch};

use super::ApiError;
use super::limits::{Lasting, later};

/// Most streams at once: each is a connection, and gets all there is to tell.
const MOST: usize = 256;

/// How often a client is told that its stream lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The streams that a balancer sends.
pub(crate) struct Streams {
    places: Arc<Semaphore>,
    ended: watch::Sender<bool>,
}

impl Streams {
    pub(crate) fn new() -> Self {
        Streams { places: Arc::new(Semaphore::new(MOST)), ended: watch::Sender::new(false) }
    }

    /// An answer of these events, as they come. It ends with them, or with the balancer.
    pub(crate) fn answer<S>(&self, events: S) -> Response
    where
        S: Stream<Item = Event> + Send + 'static,
    {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            return later(ApiError::unavailable(
                "too many are watching: no more streams of events are sent",
            ));
        };
        let mut ended = self.ended.subscribe();
        let end = async move {
            // An error means that the balancer is gone.
            let _ = ended.wait_for(|ended| *ended).await;
        };
        let events = events.take_until(end).map(move |event| {
            let _ = &place;
            Ok::<_, Infallible>(event)
        });
        let mut answer =
            Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
        answer.extensions_mut().insert(Lasting);
        answer
    }

    /// Ends all of them, and those to come.
    pub(crate) fn end(&self) {
        self.ended.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use axum::Router;
    use axum::routing::get;
    use tokio::io::AsyncReadExt;
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::api::connections::tests::{ask, start};

    /// A balancer that tells nothing, and a client that listens.
    async fn idle(streams: Arc<Streams>) -> tokio::net::TcpStream {
        let answer = async move || streams.answer(futures::stream::pending());
        let router = Router::new().route("/", get(answer));
        ask(start(router, 8).await, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await
    }

    /// What has come by now.
    async fn read(client: &mut tokio::net::TcpStream) -> String {
        let mut told = vec![0; 1 << 16];
        let read = timeout(Duration::from_secs(1), client.read(&mut told)).await.unwrap().unwrap();
        String::from_utf8(told[..read].to_vec()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_has_nothing_to_tell_lives_and_says_so() {
        let streams = Arc::new(Streams::new());
        let mut client = idle(streams.clone()).await;
        assert!(read(&mut client).await.starts_with("HTTP/1.1 200 "));
        for _ in 0..100 {
            sleep(KEEP_ALIVE).await;
            assert!(read(&mut client).await.contains(":\n"));
        }
        streams.end();
        while !read(&mut client).await.ends_with("0\r\n\r\n") {}
    }
}
