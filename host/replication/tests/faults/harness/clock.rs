//! A clock that goes by itself and can be moved ahead.

use std::time::Duration;

use async_trait::async_trait;
use ringwright_replication::Clock;
use tokio::sync::watch;
use tokio::time::Instant;

/// Each balancer has its own, so that one can sleep through what another lives.
pub struct TestClock {
    start: Instant,
    ahead: watch::Sender<Duration>,
}

impl TestClock {
    pub fn new() -> Self {
        TestClock { start: Instant::now(), ahead: watch::Sender::new(Duration::ZERO) }
    }

    /// Moves it ahead, as for a process that was paused for so long.
    pub fn jump(&self, by: Duration) {
        self.ahead.send_modify(|ahead| *ahead += by);
    }

    /// How many sleep by it now.
    pub fn sleepers(&self) -> usize {
        self.ahead.receiver_count()
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Duration {
        self.start.elapsed() + *self.ahead.borrow()
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.now() + duration;
        let mut jumps = self.ahead.subscribe();
        while let Some(left) = until.checked_sub(self.now()).filter(|left| !left.is_zero()) {
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                _ = jumps.changed() => {}
            }
        }
    }
}
