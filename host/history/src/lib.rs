//! Recorded histories and their check: what tests hold the database to (invariant I3).
//!
//! Clients record each operation as it is called and as it returns, on one [`History`]. Then
//! [`History::check`] looks, key by key, for an order in which the operations could have been
//! executed one at a time, each between its call and its return. A key is independent of every
//! other, so a history is linearizable where each key's is; and one key's is short enough to
//! search. For development only.
//!
//! ```
//! use ringwright_history::{History, Op, Outcome};
//!
//! let history = History::default();
//! history.call(Op::Insert(7, "a".into())).returned(Outcome::Done);
//! drop(history.call(Op::Update(7, "b".into()))); // no answer came: done or not, now or later
//! history.call(Op::Read(7)).returned(Outcome::Row(Some("b".into())));
//! assert!(history.check().is_ok());
//! history.call(Op::Read(7)).returned(Outcome::Row(Some("a".into())));
//! assert!(history.check().is_err());
//! ```

mod row;
mod search;
mod violation;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

pub use violation::Violation;

/// A row's key.
pub type Key = i64;

/// A row's text. Let each write's be its own, so that a read tells which one it saw.
pub type Row = String;

/// An operation on one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Creates a row; refused where there is one.
    Insert(Key, Row),
    /// Replaces a row; refused where there is none.
    Update(Key, Row),
    /// Deletes a row; refused where there is none.
    Delete(Key),
    /// Reads a row.
    Read(Key),
}

impl Op {
    /// The key it is about.
    pub fn key(&self) -> Key {
        match self {
            Op::Insert(key, _) | Op::Update(key, _) | Op::Delete(key) | Op::Read(key) => *key,
        }
    }
}

/// What an operation was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The write was done.
    Done,
    /// The write was refused: an insert found a row, or an update or a delete found none.
    Refused,
    /// The row that was read, where there was one.
    Row(Option<Row>),
}

/// What happened, in the order it happened; clones share it.
#[derive(Clone, Debug, Default)]
pub struct History(Arc<Mutex<Vec<Event>>>);

/// A step of one operation. Its number is that of its call.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Called(usize, Op),
    Returned(usize, Outcome),
    /// Certainly not done, and never will be.
    Undone(usize),
}

/// An operation under way. Dropped, its outcome is unknown: it may have been done, may be done
/// at any later time, or never.
#[derive(Debug)]
#[must_use = "dropped, its outcome is unknown"]
pub struct Call {
    history: History,
    number: usize,
}

impl History {
    /// Records that an operation is being called, which it must not be before.
    pub fn call(&self, op: Op) -> Call {
        let mut events = self.0.lock();
        let number = events.len();
        events.push(Event::Called(number, op));
        Call { history: self.clone(), number }
    }

    /// How many operations have been called.
    pub fn calls(&self) -> usize {
        self.0.lock().iter().filter(|e| matches!(e, Event::Called(..))).count()
    }

    /// How many operations have an outcome that is known.
    pub fn known(&self) -> usize {
        self.0.lock().iter().filter(|e| !matches!(e, Event::Called(..))).count()
    }

    /// Whether some order explains all that was answered.
    ///
    /// # Errors
    /// Where none does: the first key, by number, of which that is so.
    pub fn check(&self) -> Result<(), Violation> {
        for (key, events) in self.by_key() {
            if !search::explains(&events) {
                return Err(Violation::of(key, events));
            }
        }
        Ok(())
    }

    fn by_key(&self) -> BTreeMap<Key, Vec<Event>> {
        let mut keys: BTreeMap<usize, Key> = BTreeMap::new();
        let mut found: BTreeMap<Key, Vec<Event>> = BTreeMap::new();
        for event in self.0.lock().iter() {
            if let Event::Called(number, op) = event {
                keys.insert(*number, op.key());
            }
            if let Some(key) = keys.get(&event.number()) {
                found.entry(*key).or_default().push(event.clone());
            }
        }
        found
    }
}

impl Call {
    /// Records the answer, which must have been had by then.
    pub fn returned(self, outcome: Outcome) {
        self.history.0.lock().push(Event::Returned(self.number, outcome));
    }

    /// Records that it certainly was not done and never will be.
    pub fn undone(self) {
        self.history.0.lock().push(Event::Undone(self.number));
    }
}

impl Event {
    pub(crate) fn number(&self) -> usize {
        match self {
            Event::Called(number, _) | Event::Returned(number, _) | Event::Undone(number) => {
                *number
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    fn row(text: &str) -> Outcome {
        Outcome::Row(Some(text.into()))
    }

    fn done(history: &History, op: Op) {
        history.call(op).returned(Outcome::Done);
    }

    fn read(history: &History, outcome: Outcome) {
        history.call(Op::Read(1)).returned(outcome);
    }

    #[test]
    fn one_at_a_time_is_good() {
        let h = History::default();
        read(&h, Outcome::Row(None));
        done(&h, Op::Insert(1, "a".into()));
        h.call(Op::Insert(1, "b".into())).returned(Outcome::Refused);
        done(&h, Op::Update(1, "c".into()));
        read(&h, row("c"));
        done(&h, Op::Delete(1));
        h.call(Op::Delete(1)).returned(Outcome::Refused);
        read(&h, Outcome::Row(None));
        assert!(h.check().is_ok());
        assert_eq!((h.calls(), h.known()), (8, 8));
    }

    #[test]
    fn a_lost_write_is_found() {
        let h = History::default();
        done(&h, Op::Insert(1, "a".into()));
        done(&h, Op::Insert(2, "other".into()));
        done(&h, Op::Update(1, "b".into()));
        read(&h, row("a"));
        let violation = h.check().unwrap_err();
        assert_eq!(violation.key, 1);
    }

    #[test]
    fn a_stale_read_is_found_though_a_write_is_under_way() {
        let h = History::default();
        done(&h, Op::Insert(1, "a".into()));
        let update = h.call(Op::Update(1, "b".into()));
        read(&h, row("b"));
        read(&h, row("a"));
        update.returned(Outcome::Done);
        assert!(h.check().is_err());
    }

    #[test]
    fn a_write_under_way_may_be_seen_or_not() {
        for seen in ["a", "b"] {
            let h = History::default();
            done(&h, Op::Insert(1, "a".into()));
            let update = h.call(Op::Update(1, "b".into()));
            read(&h, row(seen));
            update.returned(Outcome::Done);
            read(&h, row("b"));
            assert!(h.check().is_ok(), "{seen}");
        }
    }

    #[test]
    fn what_was_never_written_is_found() {
        let h = History::default();
        done(&h, Op::Insert(1, "a".into()));
        read(&h, row("z"));
        assert!(h.check().is_err());
    }

    #[test]
    fn a_refusal_without_reason_is_found() {
        let h = History::default();
        h.call(Op::Insert(1, "a".into())).returned(Outcome::Refused);
        assert!(h.check().is_err());
        let h = History::default();
        done(&h, Op::Insert(1, "a".into()));
        h.call(Op::Delete(1)).returned(Outcome::Refused);
        assert!(h.check().is_err());
    }

    #[test]
    fn a_write_done_twice_is_found() {
        let h = History::default();
        done(&h, Op::Insert(1, "a".into()));
        done(&h, Op::Delete(1));
        done(&h, Op::Delete(1));
        assert!(h.check().is_err());
    }

    #[test]
    fn an_unknown_outcome_may_be_any_but_only_one() {
        let at_once = |h: &History| read(h, row("b"));
        let later = |h: &History| {
            read(h, row("a"));
            read(h, row("b"));
        };
        let never = |h: &History| read(h, row("a"));
        for (then, good) in [(at_once as fn(&History), true), (later, true), (never, true)] {
            let h = History::default();
            done(&h, Op::Insert(1, "a".into()));
            drop(h.call(Op::Update(1, "b".into())));
            then(&h);
            assert_eq!(h.check().is_ok(), good);
        }
        let h = History::default();
        done(&h, Op::Insert(1, "a".into()));
        drop(h.call(Op::Update(1, "b".into())));
        read(&h, row("b"));
        read(&h, row("a"));
        assert!(h.check().is_err(), "it was seen, and then it was not");
    }

    #[test]
    fn an_unknown_insert_may_have_been_refused() {
        let h = History::default();
        done(&h, Op::Insert(1, "a".into()));
        drop(h.call(Op::Insert(1, "b".into())));
        read(&h, row("a"));
        done(&h, Op::Delete(1));
        assert!(h.check().is_ok());
        read(&h, row("b"));
        assert!(h.check().is_ok(), "or done after the delete");
    }

    #[test]
    fn what_is_known_to_be_undone_must_not_be_seen() {
        let h = History::default();
        h.call(Op::Insert(1, "a".into())).undone();
        read(&h, row("a"));
        assert!(h.check().is_err());
    }

    #[test]
    fn the_violation_ends_where_the_trouble_shows() {
        let h = History::default();
        done(&h, Op::Insert(1, "a".into()));
        read(&h, row("z"));
        for _ in 0..50 {
            read(&h, row("a"));
        }
        let text = h.check().unwrap_err().to_string();
        assert!(text.ends_with("#2 returned Row(Some(\"z\"))"), "{text}");
    }
}
