//! Holding shards: their write locks.

use std::collections::BTreeSet;
use std::sync::Arc;

use ringwright_metadata::Change;
use tokio::sync::oneshot;

use crate::queue::{Started, Waiting};
use crate::view::{ShardView, View};
use crate::write::cause_of;
use crate::{Cluster, ClusterError, NotInCharge};

/// The write locks of some shards; dropping it gives them to whoever waits.
pub(crate) struct Hold {
    cluster: Arc<Cluster>,
    shards: BTreeSet<usize>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.cluster.queue.lock().release(&self.shards);
        self.cluster.dispatch();
    }
}

impl Cluster {
    /// Waits until no write is under way on any of the shards, and keeps it so.
    ///
    /// # Errors
    /// See [`may_build_on`](Self::may_build_on).
    pub(crate) async fn hold(
        self: &Arc<Self>,
        shards: BTreeSet<usize>,
    ) -> Result<Hold, NotInCharge> {
        if shards.is_empty() {
            return Ok(Hold { cluster: self.clone(), shards });
        }
        let (grant, granted) = oneshot::channel();
        let _ = self.queue.lock().push(Waiting::Hold(shards, grant)); // a hold always may wait
        self.dispatch();
        let hold = match granted.await {
            Ok(hold) => hold,
            // The queue never drops a grant, and lives as long as `self`.
            Err(_) => std::future::pending().await,
        };
        self.may_build_on().map(|()| hold)
    }

    /// Whether the VATs of shards that are held are still what is committed of them.
    ///
    /// A commit ends without an outcome only where the charge is lost. What it raised the VATs to
    /// may be on disk, and not be known here: no server may be told one of them any more, for it
    /// would undo what is committed.
    ///
    /// # Errors
    /// Where the charge is lost.
    pub(crate) fn may_build_on(&self) -> Result<(), NotInCharge> {
        if self.charge.is_lost() { Err(NotInCharge) } else { Ok(()) }
    }

    /// Holds all shards that are `wanted`, as the view has it once they are held.
    ///
    /// # Errors
    /// See [`may_build_on`](Self::may_build_on).
    pub(crate) async fn hold_all(
        self: &Arc<Self>,
        wanted: impl Fn(&ShardView) -> bool,
    ) -> Result<(Hold, Arc<View>), NotInCharge> {
        let mut view = self.views.current();
        loop {
            let hold = self.hold(view.positions(&wanted)).await?;
            view = self.views.current();
            // While the locks were waited for, more may have come to be wanted.
            if view.positions(&wanted).is_subset(&hold.shards) {
                return Ok((hold, view));
            }
        }
    }

    /// Makes changes and shows them, and keeps `hold` until both is done, whether or not the
    /// caller goes on waiting: what is on disk and what is in memory must not part.
    pub(crate) async fn settle(
        self: &Arc<Self>,
        hold: Option<Hold>,
        changes: Vec<Change>,
        show: impl FnOnce(&mut View) + Send + 'static,
    ) -> Result<Option<Hold>, ClusterError> {
        let cluster = self.clone();
        let settled = tokio::spawn(async move {
            if !changes.is_empty() {
                cluster.commits.commit(changes).await?;
            }
            cluster.views.publish(show);
            Ok(hold)
        });
        settled.await.unwrap_or(Err(ClusterError::Abandoned))
    }

    /// Starts whoever may start.
    pub(crate) fn dispatch(self: &Arc<Self>) {
        let shards = self.views.current().shards.len();
        let started = self.queue.lock().dispatch(shards);
        for start in started {
            match start {
                Started::Batch(shards, jobs) => {
                    let hold = Hold { cluster: self.clone(), shards };
                    let cause = cause_of(&jobs);
                    tokio::spawn(cause.run(self.clone().run_batch(jobs, hold)));
                }
                Started::Hold(shards, grant) => {
                    // Where nobody waits any more the hold comes back and is dropped here.
                    let _ = grant.send(Hold { cluster: self.clone(), shards });
                }
            }
        }
    }
}
