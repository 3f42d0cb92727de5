//! The task that writes events to the store.

use std::sync::{Arc, Weak};
use std::time::Duration;

use ringwright_metadata::MetadataError;
use ringwright_model::Event;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::events::{Events, Shared};
use crate::tell;

/// Most events of one write.
const BATCH: usize = 200;

/// The pause between two writes. On SQLite they have the one connection that commits have: so many
/// flushes a second and no more are not theirs.
const PAUSE: Duration = Duration::from_millis(50);

/// The pause before a store that is away is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Writes what there is whenever it is woken, until the last handle is gone.
pub(crate) async fn run(events: Weak<Shared>, mut woken: mpsc::Receiver<()>) {
    let mut away = false;
    while woken.recv().await.is_some() {
        while let Some(shared) = events.upgrade() {
            let batch = shared.batch();
            if batch.is_empty() {
                shared.tell_dropped();
                break;
            }
            let kept = shared.store.keep_events(&batch).await;
            let pause = match kept {
                Ok(()) => {
                    away = false;
                    shared.written(&batch);
                    PAUSE
                }
                Err(error @ MetadataError::Corrupt(_)) => {
                    // The next ones may be kept: these are not to stand in their way.
                    tracing::error!(%error, events = batch.len(), "events cannot be kept");
                    shared.written(&batch);
                    PAUSE
                }
                Err(error) => {
                    if !away {
                        tracing::warn!(%error, "events wait for the metadata store");
                    }
                    away = true;
                    RETRY
                }
            };
            drop(shared);
            sleep(pause).await;
        }
    }
}

impl Shared {
    fn batch(&self) -> Vec<Event> {
        let state = self.state.lock();
        state.unwritten.iter().take(BATCH).map(|event| Event::clone(event)).collect()
    }

    /// Lets go of what was written; some of it may have been dropped meanwhile.
    fn written(&self, batch: &[Event]) {
        let Some(last) = batch.last() else { return };
        let mut state = self.state.lock();
        while state.unwritten.front().is_some_and(|event| event.id <= last.id) {
            state.unwritten.pop_front();
        }
        self.settled.send_replace(state.unwritten.is_empty());
    }

    /// Says what was lost, now that there is room to say it.
    fn tell_dropped(self: &Arc<Self>) {
        let lost = std::mem::take(&mut self.state.lock().dropped);
        if lost > 0 {
            tell!(Events(self.clone()), WARN, EventsDropped, lost = lost;
                "events were lost while the metadata store was away");
        }
    }
}
