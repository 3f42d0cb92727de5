//! The handle: events are noted here, and read.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use ringwright_metadata::MetadataStore;
use ringwright_model::{EVENTS_OF_AN_EPOCH, Epoch, Event, EventId, EventKind};
use ringwright_trace::RequestId;
use serde_json::{Map, Value};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::timeout;

use crate::writer;

/// Most events that wait to be written: while the store is away, the oldest of them go.
pub(crate) const UNWRITTEN: usize = 2_000;

/// Events that a reader may be late by before it is cut off.
const LATE: usize = 256;

/// Longest text of an event, in bytes: a plugin's error may be of any length.
const LONGEST: usize = 1_000;

/// The events of one charge; clones share them.
#[derive(Clone)]
pub struct Events(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) store: Arc<dyn MetadataStore>,
    pub(crate) state: Mutex<State>,
    /// Wakes the writer; dropped with the last handle, it ends it.
    wake: mpsc::Sender<()>,
    /// Whether all is written.
    pub(crate) settled: watch::Sender<bool>,
    pub(crate) live: broadcast::Sender<Arc<Event>>,
}

pub(crate) struct State {
    pub(crate) last: EventId,
    /// The oldest first.
    pub(crate) unwritten: VecDeque<Arc<Event>>,
    /// How many were lost since it was last said.
    pub(crate) dropped: u64,
}

impl Events {
    /// The events of an epoch, of which there are none yet. They are written from a task.
    pub fn start(store: Arc<dyn MetadataStore>, epoch: Epoch) -> Self {
        let (wake, woken) = mpsc::channel(1);
        let last = epoch.saturating_mul(EVENTS_OF_AN_EPOCH);
        let shared = Arc::new(Shared {
            store,
            state: Mutex::new(State { last, unwritten: VecDeque::new(), dropped: 0 }),
            wake,
            settled: watch::Sender::new(true),
            live: broadcast::Sender::new(LATE),
        });
        tokio::spawn(writer::run(Arc::downgrade(&shared), woken));
        Events(shared)
    }

    /// Notes an event as of now, on behalf of the request that is served here; see
    /// [`tell!`](crate::tell), which tells the log as well. Never waits.
    pub fn note<const N: usize>(
        &self,
        kind: EventKind,
        message: &str,
        fields: [(&'static str, Value); N],
    ) {
        let mut details: Map<String, Value> = Map::new();
        details.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), plain(value))));
        details.retain(|_, value| !value.is_null());
        if let Some(request) = RequestId::current() {
            details.insert("request_id".into(), request.as_str().into());
        }
        let mut about = |name| match details.remove(name)? {
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        };
        let (server, shard, plugin) = (about("server"), about("shard"), about("plugin"));
        let (time, message) = (SystemTime::now(), short(message));
        let mut state = self.0.state.lock();
        state.last += 1;
        let id = state.last;
        let event = Arc::new(Event { id, time, kind, server, shard, plugin, message, details });
        state.unwritten.push_back(event.clone());
        if state.unwritten.len() > UNWRITTEN {
            state.unwritten.pop_front();
            state.dropped += 1;
        }
        self.0.settled.send_replace(false);
        // Under the lock, so that those who look on see them in order. Nobody may look.
        let _ = self.0.live.send(event);
        drop(state);
        // Full, it wakes the writer anyway.
        let _ = self.0.wake.try_send(());
    }

    /// Waits until all is written, or no longer than this.
    pub async fn settle(&self, limit: Duration) {
        let mut settled = self.0.settled.subscribe();
        if timeout(limit, settled.wait_for(|settled| *settled)).await.is_err() {
            tracing::warn!("events could not be written any more");
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

/// A value that every database holds.
fn plain(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(short(&text)),
        other => other,
    }
}

/// A text that every database holds: not too long, and without the zero that Postgres refuses.
fn short(text: &str) -> String {
    let end = text.floor_char_boundary(LONGEST);
    let mut short = text[..end].replace('\0', "\u{fffd}");
    if end < text.len() {
        short.push('…');
    }
    short
}
