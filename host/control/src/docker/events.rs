//! The engine's events: a container that died is known at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bollard::query_parameters::EventsOptionsBuilder;
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::sync::broadcast;
use tokio::time::sleep;

use super::engine::Engine;
use super::short;
use crate::Instance;

/// Deaths kept for a listener that is slow.
const DEATHS: usize = 1024;

/// The pause before the engine is asked again for its events.
const PAUSE: Duration = Duration::from_secs(1);

/// The containers that nobody has asked to end, and the news of those that did all the same.
pub(super) struct Watch {
    minded: Mutex<HashMap<String, Instance>>,
    deaths: broadcast::Sender<Instance>,
}

impl Watch {
    /// Watches for as long as anybody has this.
    pub(super) fn start(engine: Engine) -> Arc<Self> {
        let watch =
            Arc::new(Watch { minded: Mutex::default(), deaths: broadcast::Sender::new(DEATHS) });
        let weak = Arc::downgrade(&watch);
        tokio::spawn(async move {
            loop {
                let mut events = std::pin::pin!(engine.docker.events(Some(dying(&engine))));
                // Those that died before the engine told us; asked while its events pile up.
                let (first, ()) = tokio::join!(events.next(), async {
                    if let Some(watch) = weak.upgrade() {
                        watch.look_after_all(&engine).await;
                    }
                });
                let mut event = first;
                while let Some(Ok(told)) = event {
                    let Some(watch) = weak.upgrade() else { return };
                    if let Some(id) = told.actor.and_then(|actor| actor.id) {
                        watch.tell(&engine, &id);
                    }
                    drop(watch);
                    event = events.next().await;
                }
                if weak.strong_count() == 0 {
                    return;
                }
                if let Some(Err(error)) = event {
                    tracing::warn!(%error, "the engine tells no events; asking again");
                }
                sleep(PAUSE).await;
            }
        });
        watch
    }

    pub(super) fn deaths(&self) -> broadcast::Receiver<Instance> {
        self.deaths.subscribe()
    }

    /// Minds a server from now on.
    pub(super) fn mind(&self, instance: &Instance) {
        self.minded.lock().insert(instance.handle.clone(), instance.clone());
    }

    /// Its death is no news: we end it.
    pub(super) fn forget(&self, id: &str) {
        self.minded.lock().remove(id);
    }

    /// Tells of a death, once; the log says more of it, without which the next is told.
    fn tell(&self, engine: &Engine, id: &str) {
        let Some(dead) = self.minded.lock().remove(id) else { return };
        let (server, id, engine) = (dead.name.clone(), id.to_owned(), engine.clone());
        let _ = self.deaths.send(dead); // an error means that nobody listens
        tokio::spawn(async move {
            let (status, log) = (engine.status(&id).await, engine.log_tail(&id).await);
            let container = short(&id);
            tracing::warn!(server, container, status, "server exited; it said:\n{log}");
        });
    }

    /// Looks whether those that are minded still run.
    async fn look_after_all(&self, engine: &Engine) {
        let minded: Vec<String> = self.minded.lock().keys().cloned().collect();
        for id in minded {
            if matches!(engine.runs(&id).await, Ok(false)) {
                self.tell(engine, &id);
            }
        }
    }
}

/// What we want to be told: the ends of the deployment's containers.
fn dying(engine: &Engine) -> bollard::query_parameters::EventsOptions {
    let filters = HashMap::from([
        ("type", vec!["container".to_owned()]),
        ("event", vec!["die".to_owned()]),
        ("label", vec![engine.label()]),
    ]);
    EventsOptionsBuilder::new().filters(&filters).build()
}
