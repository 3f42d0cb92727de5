//! The commit point: changes of the metadata, many callers' in one transaction.

use std::sync::Arc;
use std::time::Duration;

use ringwright_events::tell;
use ringwright_metadata::{Change, MetadataError, MetadataStore};
use tokio::sync::{mpsc, oneshot};

use crate::metrics::Commits;
use crate::store::within;
use crate::{Charge, Clock};

type Waiting = (Vec<Change>, oneshot::Sender<Result<(), MetadataError>>);

/// The way to commit.
pub(crate) struct Committer {
    queue: mpsc::UnboundedSender<Waiting>,
    charge: Arc<Charge>,
    metrics: Commits,
}

impl Committer {
    pub(crate) fn start(
        store: Arc<dyn MetadataStore>,
        charge: Arc<Charge>,
        clock: Arc<dyn Clock>,
        metrics: Commits,
    ) -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        tokio::spawn(commit_all(store, charge.clone(), clock, metrics.clone(), waiting));
        Committer { queue, charge, metrics }
    }

    /// Returns when the changes are on disk.
    ///
    /// # Errors
    /// [`MetadataError::Unavailable`] where nobody knows whether they are, and the charge is lost;
    /// any other only where they certainly are not, and never will be.
    pub(crate) async fn commit(&self, changes: Vec<Change>) -> Result<(), MetadataError> {
        let _timed = self.metrics.duration.start_timer();
        let (reply, answer) = oneshot::channel();
        let lost = MetadataError::ChargeLost { epoch: self.charge.epoch() };
        self.queue.send((changes, reply)).map_err(|_| lost)?;
        let unknown = || MetadataError::Unavailable("the change was abandoned".into());
        answer.await.unwrap_or_else(|_| Err(unknown()))
    }
}

async fn commit_all(
    store: Arc<dyn MetadataStore>,
    charge: Arc<Charge>,
    clock: Arc<dyn Clock>,
    metrics: Commits,
    mut queue: mpsc::UnboundedReceiver<Waiting>,
) {
    let mut waiting: Vec<Waiting> = Vec::new();
    while queue.recv_many(&mut waiting, 1024).await > 0 {
        metrics.together.observe(waiting.len() as f64);
        let all: Vec<Change> = waiting.iter().flat_map(|(c, _)| c.iter().cloned()).collect();
        let outcome = insist(&*store, &charge, &*clock, &metrics, &all).await;
        for (changes, reply) in waiting.drain(..) {
            let _ = reply.send(match &outcome {
                Ok(()) => Ok(()),
                Err(MetadataError::ChargeLost { epoch }) => {
                    Err(MetadataError::ChargeLost { epoch: *epoch })
                }
                // One caller's impossible change must not fail the others'.
                Err(MetadataError::Corrupt(_)) => {
                    insist(&*store, &charge, &*clock, &metrics, &changes).await
                }
                Err(MetadataError::Unavailable(why)) => {
                    Err(MetadataError::Unavailable(why.clone()))
                }
                Err(other) => Err(MetadataError::Unavailable(other.to_string())),
            }); // whoever asked may have gone
        }
    }
}

/// Commits, again and again where the outcome is unknown: every change can be made twice, and
/// none of them may be taken for undone while it may have been done. Where the charge is lost
/// meanwhile, the outcome stays unknown. The store is given more time each time, as it may be the
/// changes that take so long.
async fn insist(
    store: &dyn MetadataStore,
    charge: &Charge,
    clock: &dyn Clock,
    metrics: &Commits,
    changes: &[Change],
) -> Result<(), MetadataError> {
    let mut pause = Duration::from_millis(10);
    let mut limit = charge.answer_time();
    // Why nobody knows what became of the last attempt: it may have been made.
    let mut unheard = None;
    let lost = |unheard: Option<String>| {
        let lost = MetadataError::ChargeLost { epoch: charge.epoch() };
        Err(unheard.map_or(lost, MetadataError::Unavailable))
    };
    loop {
        if charge.is_lost() {
            return lost(unheard);
        }
        match within(clock, limit, store.apply(charge.epoch(), changes)).await {
            Ok(()) => {
                if unheard.is_some() {
                    tell!(charge.events(), INFO, CommitResumed;
                        "commits go on: the metadata store answers");
                }
                return Ok(());
            }
            Err(MetadataError::ChargeLost { .. }) => {
                charge.set_lost();
                return lost(unheard);
            }
            Err(e @ MetadataError::Corrupt(_)) => {
                tracing::error!(error = %e, "the metadata store refused a change");
                return Err(e);
            }
            Err(error) => {
                metrics.stalls.inc();
                let error = error.to_string();
                if unheard.is_none() {
                    tell!(charge.events(), WARN, CommitStalled, error = error.as_str();
                        "commit stalled: the metadata store does not answer");
                } else {
                    tracing::warn!(error, "the commit is stalled still");
                }
                clock.sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
                limit = (limit * 2).min(charge.answer_time() * 64);
                unheard = Some(error);
            }
        }
    }
}
