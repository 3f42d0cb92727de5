//! What is committed and who holds it, at one instant.
//!
//! A [`View`] never changes; each commit publishes a new one whole. A read takes the current
//! view and keeps it: its VATs are the read's snapshot, its in-sync replicas hold exactly that
//! snapshot, and as long as the view lives the safe point stays at or below it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use ringwright_model::{Key, Schema, Shard, Sharding, Term};

use crate::rate::Rate;
use crate::{Member, Traffic};

/// The cluster at one instant.
#[derive(Clone, Default)]
pub struct View {
    /// `None` until the database is configured.
    pub schema: Option<Arc<Schema>>,
    /// How keys are dealt to shards.
    pub sharding: Sharding,
    /// The shards, in order.
    pub shards: Vec<ShardView>,
    /// The servers by name.
    pub servers: Arc<BTreeMap<String, Arc<Member>>>,
}

/// A shard at one instant.
#[derive(Clone)]
pub struct ShardView {
    /// Its name and range (its `valid_at` is that of when it was made: use `vat`).
    pub shard: Arc<Shard>,
    /// VAT.
    pub vat: Term,
    /// The replicas that hold everything up to `vat`.
    pub in_sync: Arc<Vec<Arc<Member>>>,
    /// The replicas that do not, or may not.
    pub out_of_sync: Arc<Vec<Arc<Member>>>,
    /// Up to which term some of these hold everything, by server, where that is known.
    held: Arc<BTreeMap<String, Term>>,
    /// Reads and writes of it, counted over all views.
    pub(crate) requests: Arc<Rate>,
    /// How long they take, over all views.
    pub traffic: Arc<Traffic>,
}

/// What can be done with a shard now, and whether it can lose another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// All replicas are in sync and answer.
    Whole,
    /// Some are not, or do not: it is read and written.
    UnderReplicated,
    /// Fewer of those in sync answer than must have a write: it is read, and writes are refused.
    ReadOnly,
    /// None in sync answers: it is neither read nor written.
    Unavailable,
}

impl View {
    /// The position of a shard by name.
    pub fn shard_position(&self, id: &str) -> Option<usize> {
        self.shards.iter().position(|s| s.shard.id == id)
    }

    /// The positions of the shards that are `wanted`.
    pub(crate) fn positions(&self, wanted: impl Fn(&ShardView) -> bool) -> BTreeSet<usize> {
        (0..self.shards.len()).filter(|&i| wanted(&self.shards[i])).collect()
    }

    /// The position of the shard a key lives on.
    pub fn route(&self, key: Key) -> Option<usize> {
        match self.sharding {
            Sharding::Range => {
                self.shards.iter().position(|s| s.shard.low <= key && key <= s.shard.high())
            }
            Sharding::Modulo => {
                let count = u64::try_from(self.shards.len()).ok().filter(|n| *n > 0)?;
                usize::try_from(key.unsigned_abs() % count).ok()
            }
        }
    }

    /// The positions of the shards that may hold keys of a range, in key order under range
    /// sharding.
    pub fn covering(&self, low: Key, high: Key) -> Vec<usize> {
        if low > high {
            return Vec::new();
        }
        if low == high {
            return self.route(low).into_iter().collect();
        }
        let mut found: Vec<usize> = (0..self.shards.len())
            .filter(|&i| {
                let s = &self.shards[i].shard;
                self.sharding == Sharding::Modulo || (s.low <= high && low <= s.high())
            })
            .collect();
        if self.sharding == Sharding::Range {
            found.sort_by_key(|&i| self.shards[i].shard.low);
        }
        found
    }
}

impl ShardView {
    /// A shard that nobody holds yet.
    pub(crate) fn new(shard: Shard) -> Self {
        ShardView {
            vat: shard.valid_at,
            traffic: Arc::new(Traffic::of_shard(&shard.id)),
            shard: Arc::new(shard),
            in_sync: Arc::default(),
            out_of_sync: Arc::default(),
            held: Arc::default(),
            requests: Arc::default(),
        }
    }

    /// Makes `member` a replica in sync or out of sync.
    pub(crate) fn set_in_sync(&mut self, member: &Arc<Member>, in_sync: bool) {
        self.remove(member);
        let list = if in_sync { &mut self.in_sync } else { &mut self.out_of_sync };
        Arc::make_mut(list).push(member.clone());
    }

    /// Takes `member` off the replicas.
    pub(crate) fn remove(&mut self, member: &Arc<Member>) {
        for list in [&mut self.in_sync, &mut self.out_of_sync] {
            if list.iter().any(|m| m.name == member.name) {
                Arc::make_mut(list).retain(|m| m.name != member.name);
            }
        }
        self.set_held(&member.name, None);
    }

    /// Notes up to which term a replica out of sync holds everything.
    pub(crate) fn set_held(&mut self, name: &str, upto: Option<Term>) {
        let upto = upto.filter(|_| self.out_of_sync.iter().any(|m| m.name == name));
        if self.held(name) == upto {
            return;
        }
        let held = Arc::make_mut(&mut self.held);
        held.remove(name);
        held.extend(upto.map(|upto| (name.to_owned(), upto)));
    }

    /// Up to which term a replica out of sync holds everything; `None` where that is not known,
    /// or it holds nothing.
    pub fn held(&self, name: &str) -> Option<Term> {
        self.held.get(name).copied()
    }

    /// Whether `name` holds the shard in sync.
    pub fn is_in_sync(&self, name: &str) -> bool {
        self.in_sync.iter().any(|m| m.name == name)
    }

    /// Whether `name` has a replica of the shard, in sync or not.
    pub fn is_replica(&self, name: &str) -> bool {
        self.is_in_sync(name) || self.out_of_sync.iter().any(|m| m.name == name)
    }

    /// How many replicas it has, in sync or not.
    pub fn replicas(&self) -> usize {
        self.in_sync.len() + self.out_of_sync.len()
    }

    /// How many of them are in sync on a server that answers.
    pub fn answering(&self) -> usize {
        self.in_sync.iter().filter(|member| member.is_live()).count()
    }

    /// What can be done with it, where so many replicas must have a write before it is
    /// acknowledged.
    pub(crate) fn served(&self, needed: usize) -> Served {
        match self.answering() {
            0 => Served::Unavailable,
            n if n < needed => Served::ReadOnly,
            n if n < self.replicas() => Served::UnderReplicated,
            _ => Served::Whole,
        }
    }

    /// Whether a server other than `name` holds the shard in sync and can be reached.
    pub fn others_in_sync(&self, name: &str) -> bool {
        self.in_sync.iter().any(|m| m.name != name && m.link().is_some())
    }
}

/// The current view, and those still in use.
pub(crate) struct Views {
    current: ArcSwap<View>,
    alive: Mutex<Alive>,
}

struct Alive {
    /// Every view somebody may still read by, oldest first.
    views: VecDeque<Weak<View>>,
    /// Views kept for a while, so that a replica that was away finds its history.
    history: VecDeque<(Duration, Arc<View>)>,
}

impl Views {
    /// Starts with a view, and with a history that reaches back to the beginning: what the
    /// balancer before this one protected is not known.
    pub(crate) fn new(view: View, now: Duration) -> Self {
        let mut oldest = view.clone();
        for shard in &mut oldest.shards {
            shard.vat = 0;
        }
        let (oldest, view) = (Arc::new(oldest), Arc::new(view));
        Views {
            alive: Mutex::new(Alive {
                views: VecDeque::from([Arc::downgrade(&oldest), Arc::downgrade(&view)]),
                history: VecDeque::from([(now, oldest)]),
            }),
            current: ArcSwap::new(view),
        }
    }

    pub(crate) fn current(&self) -> Arc<View> {
        self.current.load_full()
    }

    /// Publishes the current view with a change made to it.
    pub(crate) fn publish<T>(&self, change: impl FnOnce(&mut View) -> T) -> T {
        let mut alive = self.alive.lock();
        let mut view = View::clone(&self.current.load());
        let result = change(&mut view);
        let view = Arc::new(view);
        alive.views.push_back(Arc::downgrade(&view));
        alive.drop_dead();
        self.current.store(view);
        result
    }

    /// Keeps the current view for the history, and lets go of what is older than `keep`.
    pub(crate) fn remember(&self, now: Duration, keep: Duration) {
        let mut alive = self.alive.lock();
        let current = self.current();
        alive.history.push_back((now, current));
        while alive.history.front().is_some_and(|(at, _)| *at + keep < now) {
            alive.history.pop_front();
        }
    }

    /// For each shard the lowest VAT anybody may still read at.
    pub(crate) fn safe_points(&self) -> Vec<Term> {
        let mut alive = self.alive.lock();
        alive.drop_dead();
        let oldest = alive.views.front().and_then(Weak::upgrade);
        let current = self.current.load();
        // VATs only grow, so the oldest view has the lowest of each shard.
        (0..current.shards.len())
            .map(|i| oldest.as_ref().and_then(|v| v.shards.get(i)).map_or(0, |s| s.vat))
            .collect()
    }
}

impl Alive {
    fn drop_dead(&mut self) {
        while self.views.front().is_some_and(|v| v.strong_count() == 0) {
            self.views.pop_front();
        }
        // One long read must not make the queue grow with every commit behind it.
        if self.views.len() > 1024 {
            self.views.retain(|v| v.strong_count() > 0);
        }
    }
}
