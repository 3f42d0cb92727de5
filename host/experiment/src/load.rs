//! Requests sent through many connections at once, and how each was answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use hyper::http::request::Builder;
use indicatif::ProgressBar;
use ringwright_testbed::{Answer, Connection};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::Sample;

/// A request.
pub struct Call {
    /// Its head.
    pub head: Builder,
    /// Its payload.
    pub body: String,
    /// The key of the row that a good answer has, where it is to be looked for.
    pub wants: Option<u64>,
}

/// What is sent.
pub struct Plan {
    /// To whom: host and port.
    pub address: String,
    /// Through so many connections; each sends its next request when it has its last answer.
    pub connections: usize,
    /// Most requests.
    pub most: usize,
    /// The time from one request to the next; without it each is sent as soon as may be. Where all
    /// connections wait for answers a request is sent late, and its latency tells: else a standstill
    /// would hold up hundreds of requests and be seen by the few that were under way.
    pub pace: Option<Duration>,
    /// Told of each request that was answered.
    pub bar: ProgressBar,
    /// The request of a number.
    pub call: Box<dyn Fn(usize) -> Call + Send + Sync>,
}

/// Requests under way.
pub struct Load {
    shared: Arc<Shared>,
    clients: JoinSet<Result<Vec<Sample>>>,
}

struct Shared {
    plan: Plan,
    next: AtomicUsize,
    stop: AtomicBool,
    began: Instant,
    clock: SystemTime,
}

impl Load {
    /// Opens the connections, and begins.
    ///
    /// # Errors
    /// Where nobody listens.
    pub async fn start(plan: Plan) -> Result<Self> {
        let open = (0..plan.connections).map(|_| Connection::open(&plan.address));
        let connections = futures::future::try_join_all(open).await?;
        let shared = Arc::new(Shared {
            plan,
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            began: Instant::now(),
            clock: SystemTime::now(),
        });
        let mut clients = JoinSet::new();
        for connection in connections {
            clients.spawn(shared.clone().client(connection));
        }
        Ok(Load { shared, clients })
    }

    /// How many requests have been sent.
    pub fn sent(&self) -> usize {
        self.shared.next.load(Ordering::Relaxed).min(self.shared.plan.most)
    }

    /// Waits until so many have been sent.
    pub async fn reach(&self, requests: usize) {
        while self.sent() < requests.min(self.shared.plan.most) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// How many requests are due, at the pace that was asked for, and have not been begun.
    pub fn behind(&self) -> usize {
        let Some(pace) = self.shared.plan.pace else { return 0 };
        let due = self.shared.began.elapsed().as_nanos() / pace.as_nanos().max(1) + 1;
        usize::try_from(due)
            .unwrap_or(usize::MAX)
            .min(self.shared.plan.most)
            .saturating_sub(self.sent())
    }

    /// When the first was sent, by the clock that logs go by.
    pub fn clock(&self) -> SystemTime {
        self.shared.clock
    }

    /// Sends no more; those that were sent, by number.
    ///
    /// # Errors
    /// Where a client failed to connect again for a long time.
    pub async fn stop(self) -> Result<Vec<Sample>> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.finish().await
    }

    /// Waits for all answers; the requests by number.
    ///
    /// # Errors
    /// As [`Load::stop`].
    pub async fn finish(mut self) -> Result<Vec<Sample>> {
        let mut all = Vec::new();
        while let Some(samples) = self.clients.join_next().await {
            all.extend(samples??);
        }
        all.sort_by_key(|sample: &Sample| sample.request);
        Ok(all)
    }
}

impl Shared {
    async fn client(self: Arc<Self>, connection: Connection) -> Result<Vec<Sample>> {
        let mut connection = Some(connection);
        let mut samples = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            let request = self.next.fetch_add(1, Ordering::Relaxed);
            if request >= self.plan.most {
                break;
            }
            if let Some(due) = self.due(request) {
                tokio::time::sleep_until(due.into()).await;
            }
            samples.push(self.ask(&mut connection, request).await);
            self.plan.bar.inc(1);
        }
        Ok(samples)
    }

    /// When a request is to be sent.
    fn due(&self, request: usize) -> Option<Instant> {
        self.plan.pace.map(|pace| self.began + pace * request as u32)
    }

    /// Asks; a connection that broke is replaced by the next request.
    async fn ask(&self, connection: &mut Option<Connection>, request: usize) -> Sample {
        let Call { head, body, wants } = (self.plan.call)(request);
        let sent = Instant::now();
        let answer = match connection {
            Some(open) => open.ask(head, body).await,
            None => match Connection::open(&self.plan.address).await {
                Ok(open) => connection.insert(open).ask(head, body).await,
                Err(error) => Err(error),
            },
        };
        let due = self.due(request).unwrap_or(sent);
        let (lag, latency) = (sent - due, due.elapsed());
        let start = due - self.began;
        let Ok(answer) = answer else {
            *connection = None;
            return Sample { request, start, lag, latency, ..Sample::default() };
        };
        let found = wants.filter(|_| answer.status == 200).map(|key| holds(&answer, key));
        let server = server(&answer);
        Sample { request, start, lag, latency, status: answer.status, found, server }
    }
}

/// Whether an answer of `/read` has the row of a key.
fn holds(answer: &Answer, key: u64) -> bool {
    let answer = answer.json();
    let mut rows = answer["data"].as_array().into_iter().flatten();
    rows.any(|row| row["Stud_id"] == key)
}

/// The server that an answer of `/home` names.
fn server(answer: &Answer) -> Option<String> {
    const HELLO: &str = "Hello from Server: ";
    let answer: Value = answer.json();
    answer["message"].as_str()?.strip_prefix(HELLO).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers each request with this, the first one late; its address.
    async fn server(data: &'static str, late: Duration) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut late = Some(late);
            // The requests are small, and come one at a time.
            while stream.read(&mut [0; 4096]).await.unwrap() > 0 {
                tokio::time::sleep(late.take().unwrap_or_default()).await;
                let length = data.len();
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{data}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        address
    }

    /// A load through one connection.
    async fn load(
        address: String,
        pace: Option<Duration>,
        most: usize,
        wants: Option<u64>,
    ) -> Load {
        let call = move |_| Call { head: Builder::new().uri("/read"), body: String::new(), wants };
        let bar = ProgressBar::hidden();
        let plan = Plan { address, connections: 1, most, pace, bar, call: Box::new(call) };
        Load::start(plan).await.unwrap()
    }

    #[tokio::test]
    async fn a_read_that_does_not_find_its_row_is_not_good() {
        let row = r#"{"data":[{"Stud_id":7}],"status":"success"}"#;
        for (data, wants, found, good) in [
            (row, Some(7), Some(true), true),
            (row, Some(8), Some(false), false),
            (r#"{"data":[],"status":"success"}"#, Some(7), Some(false), false),
            (r#"{"data":[],"status":"success"}"#, None, None, true),
        ] {
            let load = load(server(data, Duration::ZERO).await, None, 1, wants).await;
            let samples = load.finish().await.unwrap();
            let Sample { status, found: seen, .. } = samples[0];
            assert_eq!(
                (status, seen, samples[0].is_good()),
                (200, found, good),
                "{data} {wants:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_standstill_is_felt_by_every_request_that_was_due_in_it() {
        let address = server("{}", Duration::from_secs(1)).await;
        let load = load(address, Some(Duration::from_millis(10)), 100, None).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!((15..100).contains(&load.behind()), "{}", load.behind());
        let samples = load.finish().await.unwrap();
        // That of 100 ms had to wait for 900 ms more, for want of a connection.
        for (request, least) in [(0, 1_000), (10, 900), (30, 700)] {
            let Sample { start, lag, latency, .. } = samples[request];
            let least = Duration::from_millis(least);
            assert_eq!(start, Duration::from_millis(10 * request as u64));
            assert!(
                latency >= least,
                "request {request} took {latency:?}, of which {lag:?} before"
            );
            assert!(request == 0 || lag >= least - Duration::from_millis(10), "{request}: {lag:?}");
        }
    }
}
