//! Which replicas are being brought into sync, and which of them have to wait.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use ringwright_replication::View;
use tokio::time::Instant;

use super::LONGEST_PAUSE;

/// A replica: shard and server.
type Replica = (String, String);

/// The attempts at replicas out of sync. One that failed waits before it is tried again, twice
/// as long each time: a copy costs its source something, and may fail for good.
#[derive(Default)]
pub(super) struct Joins(Mutex<HashMap<Replica, Attempts>>);

struct Attempts {
    under_way: bool,
    failures: u32,
    not_before: Instant,
}

impl Joins {
    /// Whether the replica may be tried now; it is under way then.
    pub(super) fn begin(&self, replica: &Replica) -> bool {
        let now = Instant::now();
        let mut joins = self.0.lock();
        let attempts = joins.entry(replica.clone()).or_insert(Attempts {
            under_way: false,
            failures: 0,
            not_before: now,
        });
        let may = !attempts.under_way && attempts.not_before <= now;
        attempts.under_way |= may;
        may
    }

    /// An attempt has ended; after the first failure there is this `pause`.
    pub(super) fn ended(&self, replica: &Replica, well: bool, pause: Duration) {
        let mut joins = self.0.lock();
        if well {
            joins.remove(replica);
        } else if let Some(attempts) = joins.get_mut(replica) {
            let longer = 2_u32.saturating_pow(attempts.failures);
            attempts.under_way = false;
            attempts.failures += 1;
            attempts.not_before = Instant::now() + pause.saturating_mul(longer).min(LONGEST_PAUSE);
        }
    }

    /// Forgets replicas that are in sync, or gone.
    pub(super) fn forget_all_but(&self, view: &View) {
        let waits = |(shard, server): &Replica| {
            let shard = view.shards.iter().find(|s| s.shard.id == *shard);
            shard.is_some_and(|s| s.out_of_sync.iter().any(|m| m.name == *server))
        };
        self.0.lock().retain(|replica, attempts| attempts.under_way || waits(replica));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_millis(100);

    #[tokio::test(start_paused = true)]
    async fn a_replica_that_fails_waits_longer_each_time() {
        let joins = Joins::default();
        let replica = ("sh1".to_owned(), "A".to_owned());
        let other = ("sh1".to_owned(), "B".to_owned());
        let mut pause = PAUSE;
        for _ in 0..20 {
            assert!(joins.begin(&replica));
            assert!(!joins.begin(&replica), "it is under way");
            joins.ended(&replica, false, PAUSE);
            tokio::time::advance(pause - Duration::from_millis(1)).await;
            assert!(!joins.begin(&replica), "after {pause:?}");
            assert!(joins.begin(&other), "of its own");
            joins.ended(&other, true, PAUSE);
            tokio::time::advance(Duration::from_millis(1)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        assert!(joins.begin(&replica));
        joins.ended(&replica, true, PAUSE);
        assert!(joins.begin(&replica));
        joins.ended(&replica, false, PAUSE);
        tokio::time::advance(PAUSE).await;
        assert!(joins.begin(&replica), "success resets the pause");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_gone_is_forgotten() {
        let joins = Joins::default();
        let replica = ("sh1".to_owned(), "A".to_owned());
        assert!(joins.begin(&replica));
        joins.forget_all_but(&View::default());
        assert!(!joins.begin(&replica), "it is under way all the same");
        joins.ended(&replica, false, PAUSE);
        joins.forget_all_but(&View::default());
        assert!(joins.0.lock().is_empty());
    }
}
