//! What is seen of the cluster now: one look a second for all who watch, and but for the traffic
//! none while nobody does.
//!
//! Each look makes a [`Frame`]: the [`snapshot`] of servers, shards and plugins, with what the
//! [`traffic`] was since the look before, and the [`ring`] where it has changed.

mod ring;
mod snapshot;
mod traffic;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::{Stream, StreamExt, stream};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
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
    /// The traffic of the last minutes.
    meter: Mutex<Meter>,
    /// Told where somebody watches and nobody did.
    came: Notify,
}

impl Live {
    pub(crate) fn new() -> Self {
        Live { frames: watch::Sender::new(None), meter: Mutex::default(), came: Notify::new() }
    }

    /// All there is to see, then whatever changes, for as long as this is read.
    pub(crate) fn watch(balancer: &Balancer) -> impl Stream<Item = Told> + Send + 'static {
        let live = &balancer.dashboard;
        let mut frames = live.frames.subscribe();
        frames.mark_changed(); // what was seen last is there at once
        if frames.borrow().is_none() {
            live.came.notify_one();
        }
        let history = Told { name: "history", json: json(&live.meter.lock().history()) };
        stream::iter([history]).chain(told(frames))
    }

    /// Reads the traffic once a second, so that who comes after an incident sees it, and looks at
    /// the rest while somebody watches. Never ends.
    pub(crate) async fn look(balancer: Arc<Balancer>) {
        let live = &balancer.dashboard;
        let mut ring = Drawn::nothing();
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = live.came.notified() => tick.reset(),
            }
            let sample = live.meter.lock().read(&balancer.metrics.requests, now_ms());
            if live.frames.receiver_count() == 0 {
                ring = Drawn::nothing();
                live.frames.send_replace(None);
                continue;
            }
            ring = ring.follow(&balancer).await;
            let snapshot = json(&Snapshot::of(&balancer, now_ms(), sample));
            live.frames.send_replace(Some(Frame { snapshot, ring: ring.clone() }));
        }
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

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// What is made of texts, numbers and lists, which cannot fail.
fn json(data: &impl serde::Serialize) -> Arc<str> {
    serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned()).into()
}
