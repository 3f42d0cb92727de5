//! The protocol holds in every case: each is explored whole.
//!
//! A case has two or three requests and a budget of failures; what it is about, its name says.
//! `--nocapture` shows how many states each has.

use std::time::Instant;

use stateright::{Checker, Model};

use crate::cases::{Budget, Case, Late, insert, read, update, write};
use crate::invariants::{
    ANSWERED, COLLECTED, DEPOSED, FELL, INVARIANTS, JOINED, LEFT_BEHIND, REFUSED, REPLACED, SEEN,
    SUCCEEDED, UNAVAILABLE, UNKNOWN, WRITTEN,
};

/// Explores a case whole: every invariant holds, and what is to be possible is.
fn holds(case: Case, possible: &[&'static str]) {
    holds_and(case, &[], possible);
}

fn holds_and(case: Case, more: &[&'static str], possible: &[&'static str]) {
    let began = Instant::now();
    let checker = case.checker().spawn_bfs().join();
    let found = checker.discoveries();
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    println!("{name}: {} states, {:.1?}", checker.unique_state_count(), began.elapsed());
    for invariant in INVARIANTS.iter().chain(more) {
        if let Some(path) = found.get(invariant) {
            panic!("{invariant} is broken by\n{:#?}", path.clone().into_actions());
        }
    }
    for name in possible {
        assert!(found.contains_key(name), "never: {name}");
    }
}

/// Replicas that are slow, answer in vain, or get a batch twice.
pub fn failures() -> Case {
    Case {
        present: vec![0, 2],
        budget: Budget { timeouts: 2, lost_answers: 1, repeats: 1, ..Budget::default() },
        ..Case::new(&[write(&[update(0)]), write(&[update(2)]), read(&[0, 2])])
    }
}

/// Writers of one key; a server that crashes.
pub fn one_key() -> Case {
    Case {
        budget: Budget { timeouts: 2, crashes: 1, ..Budget::default() },
        ..Case::new(&[write(&[update(0)]), write(&[update(0)]), read(&[0])])
    }
}

pub fn three_replicas() -> Case {
    Case {
        servers: 3,
        budget: Budget { timeouts: 2, lost_answers: 1, ..Budget::default() },
        ..Case::new(&[write(&[update(0)]), write(&[update(0)]), read(&[0])])
    }
}

/// One request over two shards, beside one on one of them, and a read over both.
pub fn two_shards() -> Case {
    let both = write(&[update(0), update(1)]);
    Case {
        shards: 2,
        present: vec![0, 1],
        budget: Budget { timeouts: 1, lost_answers: 1, ..Budget::default() },
        ..Case::new(&[both, write(&[update(0)]), read(&[0, 1])])
    }
}

pub fn two_shards_three_replicas() -> Case {
    Case {
        servers: 3,
        shards: 2,
        present: vec![0, 1],
        budget: Budget { timeouts: 1, lost_answers: 1, repeats: 1, ..Budget::default() },
        ..Case::new(&[write(&[update(0), update(1)]), write(&[update(1)]), read(&[0, 1])])
    }
}

/// Requests in one batch, of which one can be done on one of its shards only.
pub fn refusals() -> Case {
    let half = write(&[insert(0), update(1)]);
    Case {
        shards: 2,
        present: vec![0, 1, 3],
        group: true,
        budget: Budget { timeouts: 1, lost_answers: 1, ..Budget::default() },
        ..Case::new(&[half, write(&[update(3)]), read(&[1, 3])])
    }
}

/// The same with the half that can be done on the shard that comes first.
pub fn refusals_the_other_way() -> Case {
    let half = write(&[update(0), insert(1)]);
    Case {
        shards: 2,
        present: vec![0, 1, 2],
        group: true,
        ..Case::new(&[half, write(&[update(2)]), read(&[0, 2])])
    }
}

/// A new balancer, while the old one goes on.
pub fn takeover() -> Case {
    Case {
        budget: Budget { takeovers: 1, timeouts: 1, ..Budget::default() },
        ..Case::new(&[write(&[update(0)]), write(&[update(0)]), read(&[0])])
    }
}

/// Enough writes for the old balancer to have sent a later round than the new one.
pub fn takeover_writes() -> Case {
    let one = || write(&[update(0)]);
    Case {
        budget: Budget { takeovers: 1, lost_answers: 1, ..Budget::default() },
        ..Case::new(&[one(), one(), one()])
    }
}

pub fn takeover_two_shards() -> Case {
    Case { budget: Budget { takeovers: 1, ..Budget::default() }, ..two_shards() }
}

/// Two in a row: three balancers may be about at once.
pub fn two_takeovers() -> Case {
    Case {
        budget: Budget { takeovers: 2, ..Budget::default() },
        ..Case::new(&[write(&[update(0)]), write(&[update(0)])])
    }
}

pub fn takeover_three_replicas() -> Case {
    Case {
        servers: 3,
        budget: Budget { takeovers: 1, ..Budget::default() },
        ..Case::new(&[write(&[update(0)]), write(&[update(0)])])
    }
}

/// A replica that fell behind joins by deltas, in pages that may come late; twice, where the
/// first attempt is given up.
pub fn join() -> Case {
    Case {
        behind: 0b10,
        present: vec![0, 2],
        page: 1,
        late: Late { applies: true, imports: true, assigns: true, forgets: false },
        budget: Budget { joins: 2, timeouts: 1, repeats: 1, ..Budget::default() },
        ..Case::new(&[write(&[update(0)]), write(&[update(2)])])
    }
}

/// The server a replica is copied from falls out of sync with a batch that came to nothing.
pub fn join_from_a_source_that_falls() -> Case {
    Case {
        servers: 3,
        behind: 0b100,
        budget: Budget { joins: 1, timeouts: 3, ..Budget::default() },
        ..Case::new(&[write(&[update(0)]), write(&[update(0)])])
    }
}

/// A replica falls and joins again, while an old batch and an old read are still on their way.
pub fn rejoin() -> Case {
    Case {
        late: Late { applies: true, assigns: true, ..Late::default() },
        budget: Budget { joins: 1, timeouts: 1, repeats: 1, ..Budget::default() },
        ..Case::new(&[write(&[update(0)]), write(&[update(0)]), read(&[0])])
    }
}

/// A batch that came to nothing reaches a replica between two pages of its join.
pub fn late_batch_in_a_join() -> Case {
    Case {
        present: vec![0, 2],
        page: 1,
        late: Late { applies: true, imports: true, ..Late::default() },
        budget: Budget { joins: 1, timeouts: 3, ..Budget::default() },
        ..Case::new(&[write(&[update(0)]), write(&[update(0), update(2)])])
    }
}

/// A replica joins after garbage that would have told it what it missed was collected.
pub fn join_after_garbage() -> Case {
    Case {
        budget: Budget { joins: 1, lost_answers: 1, collections: 1, ..Budget::default() },
        ..Case::new(&[write(&[update(0)]), write(&[update(0)]), read(&[0])])
    }
}

/// A new balancer, and a replica that has to join again under it.
pub fn takeover_and_join() -> Case {
    Case {
        present: vec![0, 2],
        late: Late { applies: true, assigns: true, ..Late::default() },
        budget: Budget { takeovers: 1, joins: 1, timeouts: 1, ..Budget::default() },
        ..Case::new(&[write(&[update(0)]), write(&[update(2)])])
    }
}

/// A server comes back with an empty disk.
pub fn lost_disk() -> Case {
    Case {
        late: Late { applies: true, assigns: true, ..Late::default() },
        budget: Budget { lost_disks: 1, joins: 1, timeouts: 1, ..Budget::default() },
        ..Case::new(&[write(&[update(0)]), write(&[update(0)]), read(&[0])])
    }
}

/// A message arrives where another server listens now.
pub fn misdelivery() -> Case {
    Case {
        budget: Budget { misdeliveries: 1, timeouts: 1, ..Budget::default() },
        ..Case::new(&[write(&[update(0)]), write(&[update(0)]), read(&[0])])
    }
}

/// A replica is taken off a server and put back.
pub fn leave() -> Case {
    Case {
        late: Late { applies: true, forgets: true, ..Late::default() },
        budget: Budget { leaves: 1, joins: 1, timeouts: 1, ..Budget::default() },
        ..Case::new(&[write(&[update(0)]), write(&[update(0)])])
    }
}

/// Garbage is collected under a read.
pub fn garbage() -> Case {
    Case {
        budget: Budget { collections: 2, ..Budget::default() },
        ..Case::new(&[write(&[update(0)]), write(&[update(0)]), read(&[0])])
    }
}

/// The last replica in sync is away while another is there.
pub fn last_replica() -> Case {
    Case {
        budget: Budget { detaches: 2, timeouts: 1, joins: 1, ..Budget::default() },
        ..Case::new(&[write(&[update(0)]), write(&[update(0)])])
    }
}

#[test]
fn with_failures() {
    holds(failures(), &[WRITTEN, FELL, SEEN, UNAVAILABLE]);
}

#[test]
fn with_one_key() {
    holds(one_key(), &[WRITTEN, FELL, SEEN, UNAVAILABLE]);
}

#[test]
fn with_three_replicas() {
    holds(three_replicas(), &[WRITTEN, FELL, SEEN]);
}

#[test]
fn with_two_shards() {
    holds(two_shards(), &[WRITTEN, FELL, SEEN, UNAVAILABLE]);
}

#[test]
fn with_two_shards_and_three_replicas() {
    holds(two_shards_three_replicas(), &[WRITTEN, FELL, SEEN]);
}

#[test]
fn with_refusals() {
    holds(refusals(), &[WRITTEN, FELL, SEEN, REFUSED]);
    holds(refusals_the_other_way(), &[WRITTEN, SEEN, REFUSED]);
}

#[test]
fn with_a_takeover() {
    let possible = &[WRITTEN, FELL, SEEN, UNAVAILABLE, UNKNOWN, DEPOSED, SUCCEEDED, LEFT_BEHIND];
    holds(takeover(), possible);
}

#[test]
fn with_a_takeover_and_more_writes() {
    holds(takeover_writes(), &[WRITTEN, FELL, UNKNOWN, DEPOSED, SUCCEEDED, LEFT_BEHIND]);
}

#[test]
fn with_a_takeover_of_two_shards() {
    holds(takeover_two_shards(), &[WRITTEN, SEEN, UNKNOWN, DEPOSED, SUCCEEDED, LEFT_BEHIND]);
}

#[test]
fn with_two_takeovers() {
    holds(two_takeovers(), &[WRITTEN, DEPOSED, SUCCEEDED, LEFT_BEHIND]);
}

#[test]
fn with_a_takeover_of_three_replicas() {
    holds(takeover_three_replicas(), &[WRITTEN, FELL, DEPOSED, SUCCEEDED, LEFT_BEHIND]);
}

#[test]
fn with_a_join() {
    holds(join(), &[WRITTEN, JOINED]);
}

#[test]
fn with_a_replica_that_joins_again() {
    holds(rejoin(), &[WRITTEN, FELL, SEEN, JOINED]);
}

#[test]
fn with_a_join_from_a_source_that_falls() {
    holds(join_from_a_source_that_falls(), &[WRITTEN, FELL, UNAVAILABLE, JOINED]);
}

#[test]
fn with_a_late_batch_in_a_join() {
    holds(late_batch_in_a_join(), &[WRITTEN, UNAVAILABLE, JOINED]);
}

#[test]
fn with_a_join_after_garbage() {
    holds(join_after_garbage(), &[WRITTEN, FELL, SEEN, JOINED, COLLECTED]);
}

#[test]
fn with_a_takeover_and_a_join() {
    holds(takeover_and_join(), &[WRITTEN, DEPOSED, SUCCEEDED, LEFT_BEHIND, JOINED]);
}

#[test]
fn with_a_lost_disk() {
    holds(lost_disk(), &[WRITTEN, SEEN, JOINED, REPLACED]);
}

#[test]
fn with_a_reused_address() {
    holds(misdelivery(), &[WRITTEN, FELL, SEEN]);
}

#[test]
fn with_a_replica_taken_off_and_put_back() {
    holds(leave(), &[WRITTEN, JOINED]);
}

#[test]
fn with_garbage() {
    holds_and(garbage(), &[ANSWERED], &[WRITTEN, SEEN, COLLECTED]);
}

#[test]
fn with_the_last_replica_away() {
    holds(last_replica(), &[WRITTEN, FELL, JOINED, UNAVAILABLE]);
}
