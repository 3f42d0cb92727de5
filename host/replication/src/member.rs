//! The servers of the cluster, as the balancer holds on to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use prometheus::HistogramTimer;
use ringwright_model::Attributes;
use ringwright_wire::{ShardServer, Stamp, WireError};
use tokio::sync::watch;

use crate::rate::Rate;
use crate::read_batch::ReadBatcher;
use crate::{Failures, Traffic};

/// A server that belongs to the cluster, running or not.
pub struct Member {
    /// The number hash functions know it by.
    pub id: u32,
    /// Its name.
    pub name: String,
    incarnation: ArcSwapOption<String>,
    link: ArcSwapOption<Link>,
    suspect: AtomicBool,
    attributes: ArcSwap<Attributes>,
    /// Reads asked of it and writes sent to it: what plugins are told a second of.
    pub(crate) requests: Rate,
    /// Of these, what goes to one server of several.
    reads: AtomicU64,
    /// And what goes to each replica.
    writes: AtomicU64,
    /// How long they take.
    pub traffic: Traffic,
    /// Those that had no good answer.
    pub failures: Failures,
    in_flight: AtomicUsize,
}

/// A request under way to a member, until this is dropped.
#[must_use]
pub struct InFlight {
    member: Arc<Member>,
    _timed: HistogramTimer,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.member.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
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
    /// A member that is not reachable yet, and like any other.
    pub fn new(id: u32, name: &str) -> Arc<Member> {
        Member::with_attributes(id, name, Attributes::default())
    }

    /// The same, of which this is told.
    pub fn with_attributes(id: u32, name: &str, attributes: Attributes) -> Arc<Member> {
        Arc::new(Member {
            id,
            name: name.to_owned(),
            incarnation: ArcSwapOption::empty(),
            link: ArcSwapOption::empty(),
            suspect: AtomicBool::new(false),
            attributes: ArcSwap::from_pointee(attributes),
            requests: Rate::default(),
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            traffic: Traffic::of_server(name),
            failures: Failures::of_server(name),
            in_flight: AtomicUsize::new(0),
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

    /// Whether it can be reached, and is believed to answer.
    pub fn is_live(&self) -> bool {
        self.link.load().is_some() && !self.is_suspect()
    }

    /// Sets or clears suspicion; says whether that was news.
    pub fn set_suspect(&self, suspect: bool) -> bool {
        self.suspect.swap(suspect, Ordering::Relaxed) != suspect
    }

    /// What the operator tells about it.
    pub fn attributes(&self) -> Arc<Attributes> {
        self.attributes.load_full()
    }

    pub(crate) fn set_attributes(&self, attributes: Attributes) {
        self.attributes.store(Arc::new(attributes));
    }

    /// Counts a request, which is under way until what this answers is dropped.
    pub fn begin(self: &Arc<Self>) -> InFlight {
        self.requests.add(1);
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight { member: self.clone(), _timed: self.traffic.reads.start_timer() }
    }

    /// Counts a read, or a request that was forwarded, that had no good answer.
    pub fn failed(&self) {
        self.failures.reads.inc();
    }

    /// Counts writes that are sent to it.
    pub(crate) fn written(&self, requests: u64) {
        self.requests.add(requests);
        self.writes.fetch_add(requests, Ordering::Relaxed);
    }

    /// How many reads it was asked, with what was forwarded to it.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// How many writes it was sent.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// How many requests are under way.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
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
