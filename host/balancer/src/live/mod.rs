//! What is seen of the cluster now: one look a second for all who watch, and none while nobody
//! does.
//!
//! Each look makes a [`Frame`]: the [`snapshot`] of servers, shards and plugins, with what the
//! [`traffic`] was since the look before, and the [`ring`] where it has changed.

mod ring;
mod snapshot;
mod traffic;

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::{Stream, StreamExt, stream};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::Balancer;
use ring::Drawn;
use snapshot::Snapshot;
use traffic::{Meter, Sample};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(1);

/// What is told to who watches: a name, and its data as JSON.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    /// What it is: `history`, `ring` or `snapshot`.
    pub(crate) name: &'static str,
    /// The data, on one line.
    pub(crate) json: Arc<str>,
}

/// What was seen in one look.
#[derive(Clone)]
struct Frame {
    snapshot: Arc<str>,
    ring: Drawn,
}

/// The looks of one balancer.
pub(crate) struct Live {
    /// The last one, while somebody watches.
    frames: watch::Sender<Option<Frame>>,
    /// The traffic of the last minutes, as far as somebody watched.
    meter: Mutex<Meter>,
    /// Lives as long as the task that looks.
    task: Mutex<Weak<()>>,
}

impl Live {
    pub(crate) fn new() -> Self {
        Live { frames: watch::Sender::new(None), meter: Mutex::default(), task: Mutex::default() }
    }

    /// All there is to see, then whatever changes, for as long as this is read.
    pub(crate) fn watch(balancer: &Arc<Balancer>) -> impl Stream<Item = Told> + Send + 'static {
        let live = &balancer.dashboard;
        let frames = {
            let mut task = live.task.lock();
            let mut frames = live.frames.subscribe();
            frames.mark_changed(); // what was seen last is there at once
            if task.strong_count() == 0 {
                let alive = Arc::new(());
                *task = Arc::downgrade(&alive);
                tokio::spawn(look(balancer.clone(), alive));
            }
            frames
        };
        let history = Told { name: "history", json: json(&live.meter.lock().history()) };
        stream::iter([history]).chain(told(frames))
    }

    /// Whether nobody watches any more. The task that looks has ended then.
    fn is_over(&self) -> bool {
        // Whoever comes meanwhile waits for this, and has another task look.
        let mut task = self.task.lock();
        if self.frames.receiver_count() > 0 {
            return false;
        }
        *task = Weak::new();
        self.frames.send_replace(None);
        true
    }
}

/// Frames as they come, each told in parts: the ring only where it is another.
fn told(frames: watch::Receiver<Option<Frame>>) -> impl Stream<Item = Told> + Send + 'static {
    let each = stream::unfold(
        (frames, 0),
        async |(mut frames, drawn): (watch::Receiver<Option<Frame>>, u64)| {
            let frame = loop {
                frames.changed().await.ok()?;
                let last = frames.borrow_and_update().clone();
                if let Some(frame) = last {
                    break frame;
                }
            };
            let ring = (frame.ring.number != drawn)
                .then(|| Told { name: "ring", json: frame.ring.json.clone() });
            let parts = [ring, Some(Told { name: "snapshot", json: frame.snapshot })];
            Some((stream::iter(parts.into_iter().flatten()), (frames, frame.ring.number)))
        },
    );
    each.flatten()
}

/// Looks until nobody watches.
async fn look(balancer: Arc<Balancer>, _alive: Arc<()>) {
    let mut ring = Drawn::nothing();
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    balancer.dashboard.meter.lock().begin(&balancer.metrics.requests);
    loop {
        tick.tick().await;
        if balancer.dashboard.is_over() {
            return;
        }
        ring = ring.follow(&balancer).await;
        let sample = balancer.dashboard.meter.lock().read(&balancer.metrics.requests, now_ms());
        let snapshot = json(&Snapshot::of(&balancer, now_ms(), sample));
        balancer.dashboard.frames.send_replace(Some(Frame { snapshot, ring: ring.clone() }));
    }
}

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// What is made of texts, numbers and lists, which cannot fail.
fn json(data: &impl serde::Serialize) -> Arc<str> {
    serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned()).into()
}
