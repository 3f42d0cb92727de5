//! Connections: taken, served, and let go.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use prometheus::IntGauge;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};
use tower::ServiceExt;
use tower_http::timeout::TimeoutBody;

use super::patient::Patient;

/// How long a connection's first request may take to come: whoever has sent none keeps the
/// connection from others.
const FIRST_WITHIN: Duration = Duration::from_secs(10);

/// How long a request's head may take, from the end of the answer before it: a client that sends
/// it byte by byte, or nothing, keeps a connection from others.
const HEAD_WITHIN: Duration = Duration::from_secs(60);

/// How long a request's body may pause.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Silence after which the system asks whether the client's machine is still there.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);

/// The log tells at most so often that connections are full.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Serves at most so many connections at once, until `stop` is ready and the requests under way
/// are answered.
pub(super) async fn serve(
    mut listener: TcpListener,
    most: usize,
    router: Router,
    open: IntGauge,
    stop: impl Future<Output = ()>,
) {
    let under_way = GracefulShutdown::new();
    let mut places = Places::new(most);
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let place = places.take().await;
            (place, Listener::accept(&mut listener).await)
        };
        let (place, (stream, peer)) = tokio::select! {
            biased;
            () = &mut stop => break,
            next = next => next,
        };
        if let Err(error) = tune(&stream) {
            tracing::debug!(%error, "TCP_NODELAY, SO_KEEPALIVE");
        }
        let begun = Arc::new(AtomicBool::new(false));
        let connection =
            under_way.watch(connection(stream, peer, router.clone(), Arc::clone(&begun)));
        let open = Open::count(&open);
        tokio::spawn(async move {
            let (_place, _open) = (place, open);
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%peer, %error, "a connection broke");
                },
                () = silent(&begun) => tracing::debug!(%peer, "no request came"),
            }
        });
    }
    drop(listener);
    under_way.shutdown().await;
}

/// A connection that is open, until this is dropped.
struct Open(IntGauge);

impl Open {
    fn count(open: &IntGauge) -> Self {
        open.inc();
        Open(open.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What connections take before they are accepted: beyond them clients wait at the port, and files
/// are left for what the balancer itself has to ask.
struct Places {
    left: Arc<Semaphore>,
    told: Option<Instant>,
}

impl Places {
    fn new(most: usize) -> Self {
        let left = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Places { left, told: None }
    }

    /// Waits for one; there is always one again, as the semaphore is never closed.
    async fn take(&mut self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = self.left.clone().try_acquire_owned() {
            return Some(place);
        }
        if self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            self.told = Some(Instant::now());
            tracing::warn!("as many connections are open as may be (--max-connections)");
        }
        self.left.clone().acquire_owned().await.ok()
    }
}

fn tune(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

/// Ends where no request has begun in time.
async fn silent(begun: &AtomicBool) {
    sleep(FIRST_WITHIN).await;
    if begun.load(Ordering::Relaxed) {
        std::future::pending().await
    }
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    begun: Arc<AtomicBool>,
) -> impl GracefulConnection<Error = hyper::Error> {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        begun.store(true, Ordering::Relaxed);
        let mut request = request.map(|body| Body::new(TimeoutBody::new(BODY_WITHIN, body)));
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .serve_connection(TokioIo::new(Patient::new(stream)), service)
}

/// The address a request came from.
pub(super) fn client(request: &Request) -> IpAddr {
    let info = request.extensions().get::<ConnectInfo<SocketAddr>>();
    info.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip())
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)] // a test fails by panicking

    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    use super::*;
    use crate::api::Payload;

    /// Serves so many connections; answers where.
    pub(crate) async fn start(router: Router, most: usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let open = IntGauge::new("open", "connections").unwrap();
        tokio::spawn(serve(listener, most, router, open, std::future::pending()));
        address
    }

    /// A client that has sent this much.
    pub(crate) async fn ask(address: SocketAddr, sent: &str) -> TcpStream {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(sent.as_bytes()).await.unwrap();
        client
    }

    /// What a client gets to read that has sent this much and then waits.
    async fn answer_to(sent: &str, within: Duration) -> String {
        let router = Router::new().route("/", post(async |_: Payload| ()));
        let mut client = ask(start(router, 8).await, sent).await;
        let mut told = String::new();
        let end = client.read_to_string(&mut told);
        timeout(2 * within, end).await.expect("the connection stays open").unwrap();
        told
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_come_ends_the_connection() {
        assert_eq!(answer_to("", FIRST_WITHIN).await, "");
        let half = "GET /home HTTP/1.1\r\nx-slow: 1\r\n";
        assert_eq!(answer_to(half, FIRST_WITHIN).await, "");
        let second = format!("GET /home HTTP/1.1\r\nhost: x\r\n\r\n{half}");
        assert!(answer_to(&second, HEAD_WITHIN).await.starts_with("HTTP/1.1 404 "));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_ends_the_request() {
        let head = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{";
        let told = answer_to(head, BODY_WITHIN).await;
        assert!(told.starts_with("HTTP/1.1 408 ") && told.contains("<Error> "), "{told}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_may_pause_between_two_requests() {
        let address = start(Router::new().route("/", get(async || "x")), 8).await;
        let mut client = ask(address, "").await;
        for _ in 0..2 {
            client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            let mut told = [0; 1024];
            let read = client.read(&mut told).await.unwrap();
            assert!(told[..read].starts_with(b"HTTP/1.1 200 "), "{told:?}");
            sleep(4 * FIRST_WITHIN).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_comes_when_connections_are_full_waits_until_one_ends() {
        let address = start(Router::new().route("/", get(async || "x")), 2).await;
        let _silent = [ask(address, "").await, ask(address, "").await];
        let asked = Instant::now();
        let request = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let mut told = String::new();
        ask(address, request).await.read_to_string(&mut told).await.unwrap();
        assert!(told.starts_with("HTTP/1.1 200 "), "{told}");
        assert!(asked.elapsed() >= FIRST_WITHIN, "after {:?}", asked.elapsed());
    }
}
