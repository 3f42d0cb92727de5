//! Who writes next: the shards' locks, and the batches that form while writers wait for them.
//!
//! Writers stand in one line. From its front, everything starts whose shards are free; what
//! must wait keeps its place by blocking its shards to those behind it, so nothing starves and,
//! since a writer takes all its shards at once, nothing deadlocks. Writers that could start
//! together on shared shards become one batch: group commit.

use std::collections::{BTreeSet, HashSet, VecDeque};

use ringwright_metadata::Change;
use ringwright_model::Key;
use ringwright_trace::Cause;
use ringwright_wire::Op;
use tokio::sync::oneshot;

use crate::WriteError;
use crate::hold::Hold;

/// Most rows of one batch, and most bytes of their text; a single request may be larger and
/// then goes alone.
const BATCH_ROWS: usize = 20_000;
const BATCH_BYTES: usize = 8 << 20;

/// Most bytes that may wait: a store that stalls must not fill the memory with writes whose
/// clients have long gone.
const WAITING_BYTES: usize = 256 << 20;

/// One request's write, split by shard.
pub(crate) struct Job {
    /// Its part in each shard, by the shard's position in the view.
    pub(crate) parts: Vec<(usize, Vec<Op>)>,
    /// What to keep with the commit.
    pub(crate) remember: Option<Change>,
    /// On whose behalf it is done.
    pub(crate) cause: Cause,
    /// Where the outcome goes.
    pub(crate) reply: oneshot::Sender<Result<(), WriteError>>,
}

impl Job {
    fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        self.parts.iter().flat_map(|(_, ops)| ops.iter().map(Op::key))
    }

    fn size(&self) -> Size {
        let ops = self.parts.iter().flat_map(|(_, ops)| ops);
        ops.fold(Size::default(), |size, op| Size {
            rows: size.rows + 1,
            bytes: size.bytes + std::mem::size_of::<Op>() + op.row().map_or(0, str::len),
        })
    }
}

/// How large a write is.
#[derive(Clone, Copy, Default)]
struct Size {
    rows: usize,
    bytes: usize,
}

impl std::ops::AddAssign for Size {
    fn add_assign(&mut self, other: Size) {
        self.rows += other.rows;
        self.bytes += other.bytes;
    }
}

pub(crate) enum Waiting {
    Write(Job),
    /// Wants shards for itself, to change who holds them.
    Hold(BTreeSet<usize>, oneshot::Sender<Hold>),
}

/// What may start now; its shards are taken.
pub(crate) enum Started {
    Batch(BTreeSet<usize>, Vec<Job>),
    Hold(BTreeSet<usize>, oneshot::Sender<Hold>),
}

#[derive(Default)]
pub(crate) struct Queue {
    waiting: VecDeque<Waiting>,
    /// Of the writes among them.
    waiting_bytes: usize,
    busy: BTreeSet<usize>,
}

#[derive(Default)]
struct Batch {
    shards: BTreeSet<usize>,
    jobs: Vec<Job>,
    keys: HashSet<Key>,
    size: Size,
}

impl Queue {
    /// Puts somebody at the end of the line; `false` where a write finds it too long.
    pub(crate) fn push(&mut self, waiting: Waiting) -> bool {
        if let Waiting::Write(job) = &waiting {
            if self.waiting_bytes > WAITING_BYTES {
                return false;
            }
            self.waiting_bytes += job.size().bytes;
        }
        self.waiting.push_back(waiting);
        true
    }

    /// How many writes wait.
    pub(crate) fn writes(&self) -> usize {
        self.waiting.iter().filter(|waiting| matches!(waiting, Waiting::Write(_))).count()
    }

    pub(crate) fn release(&mut self, shards: &BTreeSet<usize>) {
        self.busy.retain(|s| !shards.contains(s));
    }

    /// Starts what may start, of a cluster with so many shards.
    pub(crate) fn dispatch(&mut self, shards: usize) -> Vec<Started> {
        let mut blocked = self.busy.clone();
        let mut reserved = HashSet::new();
        let mut batches: Vec<Batch> = Vec::new();
        let mut started = Vec::new();
        let mut left = VecDeque::new();
        while let Some(waiting) = self.waiting.pop_front() {
            match waiting {
                _ if blocked.len() >= shards && shards > 0 => {
                    left.push_back(waiting);
                    left.append(&mut self.waiting);
                }
                Waiting::Hold(wanted, grant) => {
                    let taken = batches.iter().any(|b| !b.shards.is_disjoint(&wanted));
                    let free = !taken && blocked.is_disjoint(&wanted);
                    blocked.extend(&wanted);
                    if free {
                        started.push(Started::Hold(wanted, grant));
                    } else {
                        left.push_back(Waiting::Hold(wanted, grant));
                    }
                }
                Waiting::Write(job) => {
                    if let Some(job) = join(&mut batches, &mut blocked, &mut reserved, job) {
                        left.push_back(Waiting::Write(job));
                    }
                }
            }
        }
        self.waiting = left;
        self.waiting_bytes -= batches.iter().map(|b| b.size.bytes).sum::<usize>();
        started.extend(batches.into_iter().map(|b| Started::Batch(b.shards, b.jobs)));
        for s in &started {
            let (Started::Batch(shards, _) | Started::Hold(shards, _)) = s;
            self.busy.extend(shards);
        }
        started
    }
}

/// Puts a job into the batch of its shards; gives it back where it may not start yet.
fn join(
    batches: &mut Vec<Batch>,
    blocked: &mut BTreeSet<usize>,
    reserved: &mut HashSet<Key>,
    job: Job,
) -> Option<Job> {
    let shards: BTreeSet<usize> = job.parts.iter().map(|(s, _)| *s).collect();
    if !blocked.is_disjoint(&shards) {
        blocked.extend(shards);
        return Some(job);
    }
    let shares = |b: &Batch| !b.shards.is_disjoint(&shards);
    let mut size = job.size();
    batches.iter().filter(|b| shares(b)).for_each(|b| size += b.size);
    let too_large = size.rows > BATCH_ROWS || size.bytes > BATCH_BYTES;
    if too_large && batches.iter().any(shares) {
        blocked.extend(shards);
        return Some(job);
    }
    // A batch has one term, and one term has room for one change of a key. Only the keys are
    // kept free for the job that waits: others may fill its shards' batch meanwhile.
    let taken = |k| reserved.contains(&k) || batches.iter().any(|b| b.keys.contains(&k));
    if job.keys().any(taken) {
        reserved.extend(job.keys());
        return Some(job);
    }
    let mut sharing = batches.extract_if(.., |b| shares(b));
    // Into the one there is, as a rule, and not both into a third: a batch may be long already.
    let mut batch = sharing.next().unwrap_or_default();
    for other in sharing {
        batch.shards.extend(other.shards);
        batch.jobs.extend(other.jobs);
        batch.keys.extend(other.keys);
    }
    batch.shards.extend(shards);
    batch.keys.extend(job.keys());
    batch.size = size;
    batch.jobs.push(job);
    batches.push(batch);
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    fn job(parts: Vec<(usize, Vec<Op>)>) -> Job {
        Job { parts, remember: None, cause: Cause::current(), reply: oneshot::channel().0 }
    }

    fn write(parts: &[(usize, &[Key])]) -> Waiting {
        let parts = parts
            .iter()
            .map(|(s, keys)| (*s, keys.iter().map(|k| Op::Delete { key: *k }).collect()))
            .collect();
        Waiting::Write(job(parts))
    }

    fn hold(shards: &[usize]) -> Waiting {
        Waiting::Hold(shards.iter().copied().collect(), oneshot::channel().0)
    }

    /// What starts, as (shards, number of jobs; 0 for a hold), in order of shards.
    fn dispatch(q: &mut Queue) -> Vec<(Vec<usize>, usize)> {
        let mut all: Vec<_> = q
            .dispatch(4)
            .into_iter()
            .map(|s| match s {
                Started::Batch(shards, jobs) => (shards.into_iter().collect(), jobs.len()),
                Started::Hold(shards, _) => (shards.into_iter().collect(), 0),
            })
            .collect();
        all.sort();
        all
    }

    fn release(q: &mut Queue, shards: &[usize]) {
        q.release(&shards.iter().copied().collect());
    }

    #[test]
    fn those_who_wait_for_a_shard_become_one_batch() {
        let mut q = Queue::default();
        q.push(write(&[(0, &[1])]));
        assert_eq!(dispatch(&mut q), [(vec![0], 1)]);
        for k in 2..5 {
            q.push(write(&[(0, &[k])]));
        }
        q.push(write(&[(1, &[100])]));
        assert_eq!(dispatch(&mut q), [(vec![1], 1)], "another shard does not wait");
        release(&mut q, &[0]);
        assert_eq!(dispatch(&mut q), [(vec![0], 3)]);
    }

    #[test]
    fn a_request_over_two_shards_joins_their_batches() {
        let mut q = Queue::default();
        q.push(write(&[(0, &[1])]));
        q.push(write(&[(1, &[2])]));
        q.push(write(&[(0, &[3]), (1, &[4])]));
        q.push(write(&[(2, &[5])]));
        assert_eq!(dispatch(&mut q), [(vec![0, 1], 3), (vec![2], 1)]);
    }

    #[test]
    fn a_key_is_changed_once_a_batch_and_in_order() {
        let mut q = Queue::default();
        q.push(write(&[(0, &[1])]));
        q.push(write(&[(0, &[1, 2])]));
        q.push(write(&[(0, &[2])]));
        q.push(write(&[(0, &[3])]));
        assert_eq!(dispatch(&mut q), [(vec![0], 2)], "1 and 3; 2 waits behind 1,2");
        release(&mut q, &[0]);
        assert_eq!(dispatch(&mut q), [(vec![0], 1)]);
        release(&mut q, &[0]);
        assert_eq!(dispatch(&mut q), [(vec![0], 1)]);
    }

    #[test]
    fn a_wide_request_is_not_starved() {
        let mut q = Queue::default();
        q.push(write(&[(0, &[1])]));
        assert_eq!(dispatch(&mut q), [(vec![0], 1)]);
        q.push(write(&[(0, &[2]), (1, &[3])]));
        q.push(write(&[(1, &[4])]));
        assert_eq!(dispatch(&mut q), [], "shard 1 is kept for the one before");
        release(&mut q, &[0]);
        assert_eq!(dispatch(&mut q), [(vec![0, 1], 2)]);
    }

    #[test]
    fn a_hold_is_alone() {
        let mut q = Queue::default();
        q.push(write(&[(0, &[1])]));
        q.push(hold(&[0]));
        q.push(write(&[(0, &[2])]));
        assert_eq!(dispatch(&mut q), [(vec![0], 1)]);
        release(&mut q, &[0]);
        assert_eq!(dispatch(&mut q), [(vec![0], 0)]);
        assert_eq!(dispatch(&mut q), []);
        release(&mut q, &[0]);
        assert_eq!(dispatch(&mut q), [(vec![0], 1)]);
    }

    #[test]
    fn a_batch_has_a_limit() {
        let mut q = Queue::default();
        let keys: Vec<Key> = (0..15_000).collect();
        let more: Vec<Key> = (15_000..30_000).collect();
        q.push(write(&[(0, &keys)]));
        q.push(write(&[(0, &more)]));
        assert_eq!(dispatch(&mut q), [(vec![0], 1)]);
        release(&mut q, &[0]);
        assert_eq!(dispatch(&mut q), [(vec![0], 1)]);
    }

    /// A write of one row of so many bytes.
    fn large(shard: usize, key: Key, bytes: usize) -> Waiting {
        let row = "x".repeat(bytes).into_boxed_str();
        let parts = vec![(shard, vec![Op::Insert { key, row }])];
        Waiting::Write(job(parts))
    }

    #[test]
    fn a_batch_has_a_limit_in_bytes_too() {
        let mut q = Queue::default();
        (1..=3).for_each(|key| assert!(q.push(large(0, key, BATCH_BYTES / 2 - 1000))));
        assert_eq!(dispatch(&mut q), [(vec![0], 2)]);
        release(&mut q, &[0]);
        assert_eq!(dispatch(&mut q), [(vec![0], 1)]);
        // One that is larger by itself goes alone.
        release(&mut q, &[0]);
        assert!(q.push(large(0, 9, BATCH_BYTES * 2)));
        assert!(q.push(large(0, 10, 1)));
        assert_eq!(dispatch(&mut q), [(vec![0], 1)]);
    }

    #[test]
    fn the_line_has_a_limit() {
        let mut q = Queue::default();
        let part = WAITING_BYTES / 4;
        (1..=5).for_each(|key| assert_eq!(q.push(large(0, key, part)), key <= 4, "{key}"));
        assert!(q.push(hold(&[0])), "a hold may always wait");
        assert_eq!(dispatch(&mut q), [(vec![0], 1)]);
        assert!(q.push(large(0, 6, part)), "there is room again");
    }
}
