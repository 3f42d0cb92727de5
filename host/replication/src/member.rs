//! The servers of the cluster, as the balancer holds on to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;
use ringwright_wire::{ShardServer, Stamp};

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

    pub(crate) fn connect(&self, server: Arc<dyn ShardServer>, stamp: Stamp) {
        self.set_incarnation(&stamp.incarnation);
        let reads = ReadBatcher::new(server.clone(), stamp.clone());
        self.link.store(Some(Arc::new(Link { server, stamp, reads })));
        self.set_suspect(false);
    }

    pub(crate) fn disconnect(&self) {
        self.link.store(None);
        self.set_suspect(true);
    }
}
