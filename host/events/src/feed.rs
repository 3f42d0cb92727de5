//! Reading events: those there were, and those to come.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ringwright_model::{Event, EventId};
use tokio::sync::broadcast;
use tokio::time::timeout;

use crate::Events;

/// How long the store may take to tell what it kept.
const STORE_WITHIN: Duration = Duration::from_secs(2);

/// Events that there were.
#[derive(Debug)]
pub struct Replay {
    /// The oldest first.
    pub events: Vec<Arc<Event>>,
    /// Whether these are all that are kept: where the store is away, only those are told that wait
    /// to be written.
    pub complete: bool,
}

/// Events as they happen.
pub struct Feed(broadcast::Receiver<Arc<Event>>);

impl Feed {
    /// The next; `None` for a reader that was too late for it.
    pub async fn next(&mut self) -> Option<Arc<Event>> {
        self.0.recv().await.ok()
    }
}

impl Events {
    /// Events from now on.
    pub fn feed(&self) -> Feed {
        Feed(self.0.live.subscribe())
    }

    /// The number of the newest event, as far as this balancer knows.
    pub fn newest(&self) -> EventId {
        self.0.state.lock().last
    }

    /// The newest events after one of that number, at most so many.
    pub async fn replay(&self, after: EventId, newest: u32) -> Replay {
        // Before the store is asked: what is written meanwhile is in one of both, or in both.
        let unwritten: Vec<Arc<Event>> = {
            let state = self.0.state.lock();
            state.unwritten.iter().filter(|event| event.id > after).cloned().collect()
        };
        let stored = timeout(STORE_WITHIN, self.0.store.events(after, newest)).await;
        let stored = match stored {
            Ok(Ok(stored)) => Some(stored),
            Ok(Err(error)) => {
                tracing::warn!(%error, "events could not be read");
                None
            }
            Err(_) => {
                tracing::warn!("events could not be read within {STORE_WITHIN:?}");
                None
            }
        };
        let complete = stored.is_some();
        let stored = stored.unwrap_or_default().into_iter().map(Arc::new);
        let all: BTreeMap<EventId, Arc<Event>> =
            stored.chain(unwritten).map(|event| (event.id, event)).collect();
        let surplus = all.len().saturating_sub(usize::try_from(newest).unwrap_or(usize::MAX));
        Replay { events: all.into_values().skip(surplus).collect(), complete }
    }
}
