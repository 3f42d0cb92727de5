//! A stand-in for a balancer: it tells the page whatever a test has it tell, again and again.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::stream::{self, Stream, StreamExt};
use serde_json::{Value, json};
use tokio::sync::watch;

/// How often the page is told: more often than by a balancer, and a test need not wait so long.
const EVERY: Duration = Duration::from_millis(200);

/// A balancer that is none.
pub struct StandIn {
    pub url: String,
    told: Arc<Told>,
}

struct Told {
    ring: Value,
    snapshot: watch::Sender<Value>,
    /// Grows where the streams there are end.
    live: watch::Sender<usize>,
    events: watch::Sender<usize>,
    refuses_events: AtomicBool,
    event_streams: AtomicUsize,
}

impl StandIn {
    /// One that tells of this.
    pub async fn start(ring: Value, snapshot: Value) -> StandIn {
        let told = Arc::new(Told {
            ring,
            snapshot: watch::Sender::new(snapshot),
            live: watch::Sender::default(),
            events: watch::Sender::default(),
            refuses_events: AtomicBool::new(false),
            event_streams: AtomicUsize::new(0),
        });
        let (live, events) = (told.clone(), told.clone());
        let router: Router = ringwright_dashboard::router()
            .route("/dashboard/live", get(async move || live.live()))
            .route("/events", get(async move || events.events()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        StandIn { url, told }
    }

    /// From now on tells of this.
    pub fn tell(&self, snapshot: Value) {
        self.told.snapshot.send_replace(snapshot);
    }

    /// Ends the streams of snapshots that there are.
    pub fn end_live(&self) {
        self.told.live.send_modify(|n| *n += 1);
    }

    /// Ends the streams of events that there are.
    pub fn end_events(&self) {
        self.told.events.send_modify(|n| *n += 1);
    }

    /// From now on takes no stream of events on, or does again.
    pub fn refuse_events(&self, refuse: bool) {
        self.told.refuses_events.store(refuse, Ordering::Relaxed);
    }

    /// How often the events were asked for and told.
    pub fn event_streams(&self) -> usize {
        self.told.event_streams.load(Ordering::Relaxed)
    }
}

impl Told {
    fn live(&self) -> Response {
        let first = [event("history", &json!([])), event("ring", &self.ring)];
        let snapshots = self.snapshot.subscribe();
        let again = stream::unfold((snapshots, 1_000_000_u64), async |(snapshots, time)| {
            let mut snapshot = snapshots.borrow().clone();
            snapshot["time_ms"] = json!(time);
            if time > 1_000_000 {
                tokio::time::sleep(EVERY).await;
            }
            Some((event("snapshot", &snapshot), (snapshots, time + 1000)))
        });
        until_it_ends(stream::iter(first).chain(again), &self.live)
    }

    /// One event, and then nothing for ever.
    fn events(&self) -> Response {
        if self.refuses_events.load(Ordering::Relaxed) {
            let refusal = json!({"message": "<Error> too many are watching", "status": "failure"});
            return (StatusCode::SERVICE_UNAVAILABLE, axum::Json(refusal)).into_response();
        }
        let id = self.event_streams.fetch_add(1, Ordering::Relaxed) + 1;
        let told = json!({"id": id, "time": "2026-01-01T00:00:00Z", "kind": "flatline",
            "server": "Server0", "message": format!("the flatline of stream {id}")});
        let told = event("flatline", &told).id(id.to_string());
        until_it_ends(stream::iter([told]).chain(stream::pending()), &self.events)
    }
}

fn event(name: &str, data: &Value) -> Event {
    Event::default().event(name).data(data.to_string())
}

fn until_it_ends(
    told: impl Stream<Item = Event> + Send + 'static,
    ends: &watch::Sender<usize>,
) -> Response {
    let mut ends = ends.subscribe();
    let end = async move { drop(ends.changed().await) };
    Sse::new(told.take_until(Box::pin(end)).map(Ok::<_, Infallible>)).into_response()
}

/// What a balancer tells of these servers and shards, on which nothing else happens.
pub fn snapshot(servers: &[Value], shards: &[Value]) -> Value {
    json!({"time_ms": 1_000_000, "version": "0", "demo": false,
        "in_charge": true, "epoch": 1, "configured": true, "columns": [["Stud_id", "Number"]],
        "hash": "md5", "placement": "spread", "plugins": [], "shadow": null, "traffic": null,
        "servers": servers, "shards": shards})
}

/// A server that lives.
pub fn server(number: usize) -> Value {
    json!({"id": number + 1, "name": format!("Server{number}"), "state": "live", "weight": 1,
        "labels": {}, "reads": 0, "writes": 0})
}

/// A shard of keys, with these replicas.
pub fn shard(number: usize, state: &str, replicas: &Value) -> Value {
    json!({"id": format!("sh{number}"), "low": number * 100, "high": number * 100 + 99,
        "vat": 7, "state": state, "replicas": replicas})
}

/// The ring of so many servers, each with so many virtual nodes, by turns.
pub fn ring(servers: usize, nodes: usize, slots: usize) -> Value {
    let nodes = servers * nodes;
    let slot = |node: usize| (node + 1) * slots / nodes - 1;
    let names: Vec<String> = (0..servers).map(|i| format!("Server{i}")).collect();
    json!({"hash": "md5", "slots": slots, "sampled": null, "virtual_nodes": nodes, "servers": names,
        "owned": vec![slots / servers; servers],
        "arcs": (0..nodes).map(|node| (slot(node), node % servers)).collect::<Vec<_>>(),
        "points": (0..nodes).map(|n| (slot(n), n % servers, n / servers + 1)).collect::<Vec<_>>()})
}
