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

/// A request: its head and its payload.
pub type Call = (Builder, String);

/// What is sent.
pub struct Plan {
    /// To whom: host and port.
    pub address: String,
    /// Through so many connections; each sends its next request when it has its last answer.
    pub connections: usize,
    /// Most requests.
    pub most: usize,
    /// The time from one request to the next; without it each is sent as soon as may be.
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
            if let Some(pace) = self.plan.pace {
                tokio::time::sleep_until((self.began + pace * request as u32).into()).await;
            }
            samples.push(self.ask(&mut connection, request).await);
            self.plan.bar.inc(1);
        }
        Ok(samples)
    }

    /// Asks; a connection that broke is replaced by the next request.
    async fn ask(&self, connection: &mut Option<Connection>, request: usize) -> Sample {
        let (head, body) = (self.plan.call)(request);
        let begin = Instant::now();
        let answer = match connection {
            Some(open) => open.ask(head, body).await,
            None => match Connection::open(&self.plan.address).await {
                Ok(open) => connection.insert(open).ask(head, body).await,
                Err(error) => Err(error),
            },
        };
        if answer.is_err() {
            *connection = None;
        }
        Sample {
            request,
            start: begin - self.began,
            latency: begin.elapsed(),
            status: answer.as_ref().map_or(0, |answer| answer.status),
            server: answer.ok().as_ref().and_then(server),
        }
    }
}

/// The server that an answer of `/home` names.
fn server(answer: &Answer) -> Option<String> {
    const HELLO: &str = "Hello from Server: ";
    let answer: Value = answer.json();
    answer["message"].as_str()?.strip_prefix(HELLO).map(str::to_owned)
}
