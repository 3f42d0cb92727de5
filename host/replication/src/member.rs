//! The servers of the cluster, as the balancer holds on to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;
use ringwright_wire::{ShardServer, Stamp, WireError};
use tokio::sync::watch;

use crate::read_batch::ReadBatcher;

/// A server that belongs to the cluster, running or not.
pub struct Member {
    /// The number hash functions know it by.
    pub id: u32,
    /// Its name.
    pub name: String,
    incarnation: ArcSwapOption<String>,
    link: ArcSwapOption<Link>,
    suspect: AtomicBool,
}

/// The way to a server that runs and has been adopted in this epoch.
pub struct Link {
    /// The server.
    pub server: Arc<dyn ShardServer>,
    /// What requests to it carry.
    pub stamp: Stamp,
    pub(crate) reads: ReadBatcher,
    closed: watch::Sender<bool>,
}

impl Link {
    pub(crate) fn new(server: Arc<dyn ShardServer>, stamp: Stamp) -> Link {
        let reads = ReadBatcher::new(server.clone(), stamp.clone());
        Link { server, stamp, reads, closed: watch::Sender::new(false) }
    }

    /// The call's answer, or none once the server is known to be gone: a connection to a machine
    /// that vanished would not say so.
    pub(crate) async fn ask<T>(
        &self,
        call: impl Future<Output = Result<T, WireError>>,
    ) -> Result<T, WireError> {
        let mut closed = self.closed.subscribe();
        tokio::select! {
            biased;
            answer = call => answer,
            _ = closed.wait_for(|closed| *closed) => {
                Err(WireError::Unreachable { message: "the server is gone".into() })
            }
        }
    }
}

impl Member {
    /// A member that is not reachable yet.
    pub fn new(id: u32, name: &str) -> Arc<Member> {
        Arc::new(Member {
            id,
            name: name.to_owned(),
            incarnation: ArcSwapOption::empty(),
            link: ArcSwapOption::empty(),
            suspect: AtomicBool::new(false),
        })
    }

    /// The way to it, while it is taken to run.
    pub fn link(&self) -> Option<Arc<Link>> {
        self.link.load_full()
    }

    /// Whether there is reason to believe that it does not answer: it is then asked last.
    pub fn is_suspect(&self) -> bool {
        self.suspect.load(Ordering::Relaxed)
    }

    /// Sets or clears suspicion; says whether that was news.
    pub fn set_suspect(&self, suspect: bool) -> bool {
        self.suspect.swap(suspect, Ordering::Relaxed) != suspect
    }

    /// The database it had when last seen.
    pub fn incarnation(&self) -> Option<Arc<String>> {
        self.incarnation.load_full()
    }

    pub(crate) fn set_incarnation(&self, incarnation: &str) {
        self.incarnation.store(Some(Arc::new(incarnation.to_owned())));
    }

    pub(crate) fn connect(&self, link: Link) {
        self.set_incarnation(&link.stamp.incarnation);
        self.close(Some(Arc::new(link)));
        self.set_suspect(false);
    }

    pub(crate) fn disconnect(&self) {
        self.close(None);
        self.set_suspect(true);
    }

    /// Ends what is asked over the link there is, and uses another.
    fn close(&self, next: Option<Arc<Link>>) {
        if let Some(link) = self.link.swap(next) {
            link.closed.send_replace(true);
        }
    }
}
