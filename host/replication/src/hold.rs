//! Holding shards: their write locks.

use std::collections::BTreeSet;
use std::sync::Arc;

use ringwright_metadata::Change;
use tokio::sync::oneshot;

use crate::queue::{Started, Waiting};
use crate::view::{ShardView, View};
use crate::{Cluster, ClusterError};

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
    pub(crate) async fn hold(self: &Arc<Self>, shards: BTreeSet<usize>) -> Hold {
        if shards.is_empty() {
            return Hold { cluster: self.clone(), shards };
        }
        let (grant, granted) = oneshot::channel();
        let _ = self.queue.lock().push(Waiting::Hold(shards, grant)); // a hold always may wait
        self.dispatch();
        match granted.await {
            Ok(hold) => hold,
            // The queue never drops a grant, and lives as long as `self`.
            Err(_) => std::future::pending().await,
        }
    }

    /// Holds all shards that are `wanted`, as the view has it once they are held.
    pub(crate) async fn hold_all(
        self: &Arc<Self>,
        wanted: impl Fn(&ShardView) -> bool,
    ) -> (Hold, Arc<View>) {
        let mut view = self.views.current();
        loop {
            let hold = self.hold(view.positions(&wanted)).await;
            view = self.views.current();
            // While the locks were waited for, more may have come to be wanted.
            if view.positions(&wanted).is_subset(&hold.shards) {
                return (hold, view);
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
                    tokio::spawn(self.clone().run_batch(jobs, hold));
                }
                Started::Hold(shards, grant) => {
                    // Where nobody waits any more the hold comes back and is dropped here.
                    let _ = grant.send(Hold { cluster: self.clone(), shards });
                }
            }
        }
    }
}
