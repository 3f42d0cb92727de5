//! The commit point: changes of the metadata, many callers' in one transaction.

use std::sync::Arc;
use std::time::Duration;

use ringwright_metadata::{Change, MetadataError, MetadataStore};
use tokio::sync::{mpsc, oneshot};

use crate::store::within;
use crate::{Charge, Clock};

type Waiting = (Vec<Change>, oneshot::Sender<Result<(), MetadataError>>);

/// The way to commit.
pub(crate) struct Committer {
    queue: mpsc::UnboundedSender<Waiting>,
    charge: Arc<Charge>,
}

impl Committer {
    pub(crate) fn start(
        store: Arc<dyn MetadataStore>,
        charge: Arc<Charge>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        tokio::spawn(commit_all(store, charge.clone(), clock, waiting));
        Committer { queue, charge }
    }

    /// Returns when the changes are on disk.
    ///
    /// # Errors
    /// Only where they certainly are not, and never will be.
    pub(crate) async fn commit(&self, changes: Vec<Change>) -> Result<(), MetadataError> {
        let lost = || MetadataError::ChargeLost { epoch: self.charge.epoch() };
        let (reply, answer) = oneshot::channel();
        self.queue.send((changes, reply)).map_err(|_| lost())?;
        answer.await.unwrap_or_else(|_| Err(lost()))
    }
}

async fn commit_all(
    store: Arc<dyn MetadataStore>,
    charge: Arc<Charge>,
    clock: Arc<dyn Clock>,
    mut queue: mpsc::UnboundedReceiver<Waiting>,
) {
    let mut waiting: Vec<Waiting> = Vec::new();
    while queue.recv_many(&mut waiting, 1024).await > 0 {
        let all: Vec<Change> = waiting.iter().flat_map(|(c, _)| c.iter().cloned()).collect();
        if insist(&*store, &charge, &*clock, &all).await.is_ok() {
            for (_, reply) in waiting.drain(..) {
                let _ = reply.send(Ok(())); // whoever asked may have gone
            }
            continue;
        }
        // One caller's impossible change must not fail the others'.
        for (changes, reply) in waiting.drain(..) {
            let _ = reply.send(insist(&*store, &charge, &*clock, &changes).await);
        }
    }
}

/// Commits, again and again where the outcome is unknown: every change can be made twice, and
/// none of them may be taken for undone while it may have been done. The store is given more time
/// each time, as it may be the changes that take so long.
async fn insist(
    store: &dyn MetadataStore,
    charge: &Charge,
    clock: &dyn Clock,
    changes: &[Change],
) -> Result<(), MetadataError> {
    let mut pause = Duration::from_millis(10);
    let mut limit = charge.answer_time();
    loop {
        if charge.is_lost() {
            return Err(MetadataError::ChargeLost { epoch: charge.epoch() });
        }
        match within(clock, limit, store.apply(charge.epoch(), changes)).await {
            Ok(()) => return Ok(()),
            Err(e @ MetadataError::ChargeLost { .. }) => {
                charge.set_lost();
                return Err(e);
            }
            Err(e @ MetadataError::Corrupt(_)) => {
                tracing::error!(error = %e, "the metadata store refused a change");
                return Err(e);
            }
            Err(error) => {
                tracing::warn!(%error, "commit stalled: the metadata store does not answer");
                clock.sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
                limit = (limit * 2).min(charge.answer_time() * 64);
            }
        }
    }
}
