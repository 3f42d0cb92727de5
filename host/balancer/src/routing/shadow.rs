//! A second hash function on live traffic, which routes nothing: what it would do is counted
//! beside what the active one does.
//!
//! A thread of its own asks it. Requests hand their numbers over and never wait: where it does not
//! keep up, some are not looked at.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use parking_lot::Mutex;
use ringwright_plugin_runtime::{CallError, HashPlugin};
use ringwright_replication::Member;

use super::maker::Maker;
use super::rings::{Known, Rings};
use crate::brain::{Active, Brain};

/// Most requests that may wait to be looked at.
const WAITING: usize = 4096;

/// A hash function in the shadow of the active one.
pub struct Shadow {
    /// The hash function.
    pub hash: Arc<Active<HashPlugin>>,
    seen: SyncSender<Seen>,
    missed: AtomicU64,
    tally: Arc<Mutex<Tally>>,
}

/// What was counted since it began.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Requests that were looked at.
    pub requests: u64,
    /// Of these, how many it would have sent to another server.
    pub moved: u64,
    /// Requests that were not looked at: it did not keep up, or could not tell.
    pub missed: u64,
    /// Requests by server: those of the active function, and its own.
    pub servers: BTreeMap<String, Share>,
    /// Why it ended, where it was taken out of service.
    pub ended: Option<String>,
}

/// What a server gets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Share {
    /// Its weight when it was last seen.
    pub weight: u32,
    /// By the active function.
    pub active: u64,
    /// By the one in its shadow.
    pub shadow: u64,
}

/// A request, the servers it might go to, and the position of the one that owns it.
struct Seen {
    request: u64,
    sorted: Vec<Arc<Member>>,
    owner: usize,
}

impl Shadow {
    pub(super) fn start(
        hash: Arc<Active<HashPlugin>>,
        maker: Arc<Maker>,
        brain: Arc<Brain>,
    ) -> io::Result<Self> {
        let (seen, see) = sync_channel(WAITING);
        let tally = Arc::<Mutex<Tally>>::default();
        let (rings, forgotten) = (Rings::new(hash.clone()), maker.forgotten());
        let watcher = Watcher { rings, forgotten, maker, brain, tally: tally.clone() };
        thread::Builder::new().name("shadow".into()).spawn(move || watcher.run(&see))?;
        Ok(Shadow { hash, seen, missed: AtomicU64::new(0), tally })
    }

    pub(super) fn see(&self, request: u64, sorted: &[Arc<Member>], owner: usize) {
        let seen = Seen { request, sorted: sorted.to_vec(), owner };
        if self.seen.try_send(seen).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What was counted so far.
    pub fn tally(&self) -> Tally {
        let mut tally = self.tally.lock().clone();
        tally.missed += self.missed.load(Ordering::Relaxed);
        tally
    }
}

/// The thread's part.
struct Watcher {
    rings: Rings,
    /// What the maker had forgotten when these rings were begun.
    forgotten: u64,
    maker: Arc<Maker>,
    brain: Arc<Brain>,
    tally: Arc<Mutex<Tally>>,
}

impl Watcher {
    /// Looks at requests until nobody sends any, or the function is taken out of service.
    fn run(mut self, see: &Receiver<Seen>) {
        while let Ok(seen) = see.recv() {
            let owner = self.owner(&seen);
            let mut tally = self.tally.lock();
            match owner {
                Ok(Some(owner)) => tally.count(&seen, owner),
                Ok(None) => tally.missed += 1,
                Err(error) => {
                    tally.missed += 1;
                    if self.brain.fault(&self.rings.hash, &error) {
                        tally.ended = Some(error.to_string());
                        return;
                    }
                }
            }
        }
    }

    /// Who would own the request; `None` where the servers cannot be laid out.
    fn owner(&mut self, seen: &Seen) -> Result<Option<usize>, CallError> {
        let forgotten = self.maker.forgotten();
        if forgotten != self.forgotten {
            self.rings = Rings::new(self.rings.hash.clone());
            self.forgotten = forgotten;
        }
        if self.rings.settled(&seen.sorted).is_none() {
            let laid = self.maker.table(&self.rings.hash, &seen.sorted);
            let fault = laid.as_ref().err().filter(|e| e.is_fault()).cloned();
            self.rings = self.rings.with(&seen.sorted, laid);
            if let Some(fault) = fault {
                return Err(fault);
            }
        }
        let Some(Known::Laid(ring)) = self.rings.find(&seen.sorted) else { return Ok(None) };
        let slot = self.rings.hash.plugin.slot(seen.request, self.maker.slots)?;
        Ok(ring.table.owner(slot))
    }
}

impl Tally {
    fn count(&mut self, seen: &Seen, owner: usize) {
        self.requests += 1;
        self.moved += u64::from(owner != seen.owner);
        for (i, member) in seen.sorted.iter().enumerate() {
            let share = self.servers.entry(member.name.clone()).or_default();
            share.weight = member.attributes().weight;
            share.active += u64::from(i == seen.owner);
            share.shadow += u64::from(i == owner);
        }
    }
}
