//! Gates, where a test holds up one message; and waiting that ends.

use std::time::Duration;

use parking_lot::Mutex;
use ringwright_wire::WireError;
use tokio::sync::Semaphore;

/// Longer than anything takes here: whoever waits longer waits for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// Holds up whatever comes, until it is opened.
pub struct Gate {
    arrived: Semaphore,
    open: Semaphore,
    ended: Semaphore,
    outcome: Mutex<Option<Result<(), WireError>>>,
}

impl Gate {
    pub fn new() -> std::sync::Arc<Gate> {
        std::sync::Arc::new(Gate {
            arrived: Semaphore::new(0),
            open: Semaphore::new(0),
            ended: Semaphore::new(0),
            outcome: Mutex::default(),
        })
    }

    /// Waits until a message stands at the gate.
    pub async fn arrived(&self) {
        soon(self.arrived.acquire()).await.unwrap().forget();
    }

    /// Lets through what stands there and what is still to come.
    pub fn open(&self) {
        self.open.add_permits(1000);
    }

    /// Lets a late message through, and waits for what became of it.
    pub async fn deliver(&self) -> Result<(), WireError> {
        self.open();
        soon(self.ended.acquire()).await.unwrap().forget();
        self.outcome.lock().take().unwrap()
    }

    pub(super) async fn pass(&self) {
        self.arrived.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }

    pub(super) fn end(&self, outcome: Result<(), WireError>) {
        *self.outcome.lock() = Some(outcome);
        self.ended.add_permits(1);
    }
}

/// Waits for what must come.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it did not come")
}

/// Waits until something holds.
pub async fn until(holds: impl Fn() -> bool) {
    soon(async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}
