//! The watch over the plugin folders.
//!
//! A thread owns the catalogue: reading files, compiling and trying them holds up nobody. The
//! others see what it last published, which it does before each file it tries and after.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use ringwright_plugin_runtime::{Catalogue, Listing};
use tokio::sync::oneshot;

/// How often the folders are looked at. A changed file must look the same twice, all of it within
/// two seconds of the copy.
const INTERVAL: Duration = Duration::from_millis(500);

// One look may see half a copy, the next two see it whole; the rest of the time is for trying it.
const _: () = assert!(INTERVAL.as_millis() * 3 < 2_000);

pub(super) struct Watch {
    listing: Arc<ArcSwap<Listing>>,
    /// Whoever asks for another look is told when it is done. The thread ends with this.
    asks: Sender<oneshot::Sender<()>>,
}

impl Watch {
    pub(super) fn start(mut catalogue: Catalogue) -> io::Result<Self> {
        let listing = Arc::new(ArcSwap::new(catalogue.listing()));
        let (asks, asked) = channel();
        let published = listing.clone();
        catalogue.publish_to(move |listing| published.store(listing.clone()));
        thread::Builder::new()
            .name("plugin-folders".into())
            .spawn(move || run(catalogue, &asked))?;
        Ok(Watch { listing, asks })
    }

    /// What was there at the last look.
    pub(super) fn listing(&self) -> Arc<Listing> {
        self.listing.load_full()
    }

    /// Has new files loaded and tried now, and waits for it.
    pub(super) async fn look_again(&self) {
        let (done, told) = oneshot::channel();
        if self.asks.send(done).is_err() || told.await.is_err() {
            tracing::error!("nobody watches the plugin folders");
        }
    }
}

fn run(mut catalogue: Catalogue, asks: &Receiver<oneshot::Sender<()>>) {
    let mut next = Instant::now();
    loop {
        let asked = match asks.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(done) => Some(done),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let is_due = Instant::now() >= next;
        let look = || if is_due { catalogue.refresh() } else { catalogue.refresh_new() };
        // One bad folder must not be the end of the watch.
        if catch_unwind(AssertUnwindSafe(look)).is_err() {
            tracing::error!("looking at the plugin folders panicked");
        }
        if is_due {
            next = Instant::now() + INTERVAL;
        }
        if let Some(done) = asked {
            let _ = done.send(()); // who asked may be gone
        }
    }
}
