//! Time, as the protocol needs it.

use std::time::Duration;

use async_trait::async_trait;

/// A monotonic clock. Only durations are ever compared, never times of two machines.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// Time since some fixed moment; never goes back, and goes on while the process is paused.
    fn now(&self) -> Duration;
    /// Returns after `duration`.
    async fn sleep(&self, duration: Duration);
}

/// The machine's clock, through tokio, whose time tests may pause and advance.
#[derive(Debug)]
pub struct SystemClock(tokio::time::Instant);

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock(tokio::time::Instant::now())
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
