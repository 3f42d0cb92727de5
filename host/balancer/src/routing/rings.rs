//! The rings of one hash function, by the servers they were laid out for.
//!
//! A value that never changes: what is published is replaced by a copy with one more.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use ringwright_plugin_runtime::{CallError, HashPlugin};
use ringwright_replication::Member;
use ringwright_ring::Table;

use crate::brain::Active;

/// The most memory rings may take. Those of a cluster in use are few: some thousand rings of 512
/// slots take a tenth of it, and a dozen fit with the most slots that may be set.
const MOST_BYTES: usize = 64 << 20;

/// What a ring or a failure takes beside a ring's table.
const ENTRY_BYTES: usize = 256;

/// The pause after the first failure that may pass; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

pub(super) struct Rings {
    pub(super) hash: Arc<Active<HashPlugin>>,
    /// By the servers' numbers, ascending.
    entries: HashMap<Box<[u32]>, Entry>,
}

#[derive(Clone)]
struct Entry {
    /// Numbers are given again to other servers: these tell whether it is theirs.
    members: Box<[Weak<Member>]>,
    known: Known,
}

/// What came of laying out a set of servers.
#[derive(Clone)]
pub(super) enum Known {
    Laid(Arc<Ring>),
    Failed(Failure),
}

/// A ring of some servers.
pub struct Ring {
    /// Who owns each slot; servers by position.
    pub table: Table,
    /// Whether it was wanted since somebody last made room.
    used: AtomicBool,
}

/// Why some servers have no ring.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) error: CallError,
    /// When it is worth another try; never, where the same would come of it.
    again: Option<Instant>,
    pause: Duration,
}

impl Failure {
    /// Whether it is time to try again.
    pub(super) fn is_due(&self) -> bool {
        self.again.is_some_and(|again| Instant::now() >= again)
    }
}

impl Rings {
    pub(super) fn new(hash: Arc<Active<HashPlugin>>) -> Self {
        Rings { hash, entries: HashMap::new() }
    }

    /// H: the slot of a request.
    pub(super) fn slot(&self, request: u64, slots: u32) -> Result<u32, CallError> {
        self.hash.calls.asked(|| self.hash.plugin.slot(request, slots))
    }

    /// What is known of these servers, which must come by number.
    pub(super) fn find(&self, sorted: &[Arc<Member>]) -> Option<&Known> {
        let entry = self.entries.get(&*numbers(sorted))?;
        if !entry.is_of(sorted) {
            return None;
        }
        if let Known::Laid(ring) = &entry.known {
            ring.note_use();
        }
        Some(&entry.known)
    }

    /// The same, but for a failure that is worth another try.
    pub(super) fn settled(&self, sorted: &[Arc<Member>]) -> Option<&Known> {
        self.find(sorted).filter(|known| match known {
            Known::Laid(_) => true,
            Known::Failed(failure) => !failure.is_due(),
        })
    }

    /// The same with one more set of servers laid out, or not. A failure never takes the place
    /// of a ring of the same servers.
    pub(super) fn with(&self, sorted: &[Arc<Member>], laid: Result<Table, CallError>) -> Self {
        let known = match (laid, self.find(sorted)) {
            (Ok(table), _) => Known::Laid(Arc::new(Ring::new(table))),
            (Err(_), Some(Known::Laid(ring))) => Known::Laid(ring.clone()),
            (Err(error), Some(Known::Failed(before))) => {
                Known::Failed(failure(error, (before.pause * 2).min(LONGEST_PAUSE)))
            }
            (Err(error), None) => Known::Failed(failure(error, FIRST_PAUSE)),
        };
        let mut entries = self.entries.clone();
        let members = sorted.iter().map(Arc::downgrade).collect();
        let numbers = numbers(sorted);
        entries.insert(numbers.clone(), Entry { members, known });
        make_room(&mut entries, &numbers, MOST_BYTES);
        Rings { hash: self.hash.clone(), entries }
    }
}

impl Entry {
    fn is_of(&self, members: &[Arc<Member>]) -> bool {
        self.members.iter().zip(members).all(|(ours, m)| std::ptr::eq(ours.as_ptr(), &**m))
    }

    fn bytes(&self) -> usize {
        let table = if let Known::Laid(ring) = &self.known { ring.table.bytes() } else { 0 };
        ENTRY_BYTES + table
    }
}

impl Ring {
    fn new(table: Table) -> Self {
        Ring { table, used: AtomicBool::new(true) }
    }

    fn note_use(&self) {
        // A load first: all threads share the line, and most often there is nothing to write.
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }
}

fn failure(error: CallError, pause: Duration) -> Failure {
    let again = error.may_pass().then(|| Instant::now() + pause);
    Failure { error, again, pause }
}

fn numbers(sorted: &[Arc<Member>]) -> Box<[u32]> {
    sorted.iter().map(|m| m.id).collect()
}

fn bytes(entries: &HashMap<Box<[u32]>, Entry>) -> usize {
    entries.values().map(Entry::bytes).sum()
}

/// Drops what was not used since this was last called, and where that is not enough all but the
/// newest: rings are laid out again as they are wanted.
fn make_room(entries: &mut HashMap<Box<[u32]>, Entry>, newest: &[u32], most: usize) {
    if bytes(entries) <= most {
        return;
    }
    entries.retain(|numbers, entry| {
        let used = match &entry.known {
            Known::Laid(ring) => ring.used.swap(false, Ordering::Relaxed),
            Known::Failed(_) => false,
        };
        used || **numbers == *newest
    });
    if bytes(entries) > most {
        entries.retain(|numbers, _| **numbers == *newest);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use ringwright_ring::Layout;

    use super::*;
    use crate::routing::tests::{member, plugin};

    fn table() -> Table {
        Table::build(Layout::Table(vec![0; 512]), 1, 512).unwrap()
    }

    fn rings() -> Rings {
        Rings::new(plugin("md5"))
    }

    fn is_laid(rings: &Rings, members: &[Arc<Member>]) -> bool {
        matches!(rings.find(members), Some(Known::Laid(_)))
    }

    fn failed(rings: &Rings, members: &[Arc<Member>]) -> Failure {
        match rings.find(members) {
            Some(Known::Failed(failure)) => failure.clone(),
            _ => unreachable!(),
        }
    }

    #[test]
    fn a_number_given_again_is_another_server() {
        let (old, new) = ([member(1), member(2)], [member(1), member(2)]);
        let rings = rings().with(&old, Ok(table()));
        assert!(is_laid(&rings, &old) && rings.find(&new).is_none());
        let rings = rings.with(&new, Ok(table()));
        assert!(is_laid(&rings, &new) && rings.find(&old).is_none());
    }

    #[test]
    fn what_may_pass_is_tried_again_ever_later() {
        let set = [member(1)];
        let rings = rings().with(&set, Err(CallError::TimedOut));
        let first = failed(&rings, &set);
        assert!(!first.is_due());
        assert_eq!(first.pause, FIRST_PAUSE);
        let mut rings = rings.with(&set, Err(CallError::TimedOut));
        assert_eq!(failed(&rings, &set).pause, FIRST_PAUSE * 2);
        for _ in 0..20 {
            rings = rings.with(&set, Err(CallError::TimedOut));
        }
        assert_eq!(failed(&rings, &set).pause, LONGEST_PAUSE);
        let due = Failure { again: Some(Instant::now()), ..failed(&rings, &set) };
        assert!(due.is_due());
    }

    #[test]
    fn what_was_refused_is_not_asked_again() {
        let set = [member(1)];
        let rings = rings().with(&set, Err(CallError::Refused("no".into())));
        assert!(failed(&rings, &set).again.is_none());
    }

    #[test]
    fn a_good_ring_stays() {
        let set = [member(1)];
        let rings = rings().with(&set, Ok(table())).with(&set, Err(CallError::TimedOut));
        assert!(is_laid(&rings, &set));
    }

    #[test]
    fn room_is_made_of_what_is_not_used() {
        let sets: Vec<[Arc<Member>; 1]> = (1..=4).map(|id| [member(id)]).collect();
        let mut rings = sets.iter().fold(rings(), |rings, set| rings.with(set, Ok(table())));
        let all = bytes(&rings.entries);
        let kept = |rings: &Rings| -> Vec<u32> {
            (1..=4).filter(|id| rings.entries.contains_key([*id].as_slice())).collect()
        };
        for entry in rings.entries.values() {
            let Known::Laid(ring) = &entry.known else { unreachable!() };
            ring.used.store(false, Ordering::Relaxed);
        }
        assert!(is_laid(&rings, &sets[1]));
        make_room(&mut rings.entries, &[4], all);
        assert_eq!(kept(&rings), [1, 2, 3, 4], "there is room");
        make_room(&mut rings.entries, &[4], all / 4 * 3);
        assert_eq!(kept(&rings), [2, 4]);
        make_room(&mut rings.entries, &[4], 1);
        assert_eq!(kept(&rings), [4], "the newest stays whatever it takes");
    }
}
