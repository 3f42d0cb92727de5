//! Holding shards: their write locks.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::Cluster;
use crate::queue::{Started, Waiting};

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
        let (grant, granted) = oneshot::channel();
        self.queue.lock().push(Waiting::Hold(shards, grant));
        self.dispatch();
        match granted.await {
            Ok(hold) => hold,
            // The queue never drops a grant, and lives as long as `self`.
            Err(_) => std::future::pending().await,
        }
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
