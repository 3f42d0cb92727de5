//! Faults of a plugin in use: counted, told without flooding the log, and noticed when there are
//! too many.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use ringwright_plugin_runtime::CallError;

/// At most one line of log a plugin in this time, however often it fails.
const QUIET: Duration = Duration::from_secs(1);

/// How many faults a plugin may have before it is taken out of service.
#[derive(Clone, Copy, Debug)]
pub struct FaultLimit {
    /// So many are too many, K; at least 1.
    pub faults: u32,
    /// When they come within this time.
    pub within: Duration,
}

impl Default for FaultLimit {
    fn default() -> Self {
        FaultLimit { faults: 10, within: Duration::from_secs(30) }
    }
}

/// The faults of one plugin in use.
#[derive(Debug, Default)]
pub struct Faults {
    state: Mutex<State>,
    out: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    total: u64,
    /// The latest, at most as many as are too many.
    recent: VecDeque<Instant>,
    told: Option<Instant>,
    untold: u64,
}

impl Faults {
    /// How many there were in all.
    pub fn total(&self) -> u64 {
        self.state.lock().total
    }

    /// Whether there were too many: it is not to be asked any more.
    pub fn is_out(&self) -> bool {
        self.out.load(Ordering::Relaxed)
    }

    /// Says that there are too many; and whether nobody had said so.
    pub(super) fn set_out(&self) -> bool {
        !self.out.swap(true, Ordering::Relaxed)
    }

    /// Notes one, and says whether with it there are too many.
    pub(super) fn note(&self, plugin: &str, error: &CallError, limit: FaultLimit) -> bool {
        self.note_at(Instant::now(), plugin, error, limit)
    }

    fn note_at(&self, now: Instant, plugin: &str, error: &CallError, limit: FaultLimit) -> bool {
        let mut state = self.state.lock();
        state.total += 1;
        state.untold += 1;
        if state.told.is_none_or(|told| now.duration_since(told) >= QUIET) {
            tracing::warn!(plugin, faults = state.untold, %error, "a plugin failed");
            state.told = Some(now);
            state.untold = 0;
        }
        state.recent.retain(|at| now.duration_since(*at) < limit.within);
        if state.recent.len() < limit.faults as usize {
            state.recent.push_back(now);
        }
        state.recent.len() >= limit.faults as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: FaultLimit = FaultLimit { faults: 3, within: Duration::from_secs(10) };

    fn noted(faults: &Faults, began: Instant, seconds: u64) -> bool {
        let now = began + Duration::from_secs(seconds);
        faults.note_at(now, "p", &CallError::TimedOut, LIMIT)
    }

    #[test]
    fn so_many_within_the_time_are_too_many() {
        let (faults, began) = (Faults::default(), Instant::now());
        assert_eq!([0, 5, 9].map(|s| noted(&faults, began, s)), [false, false, true]);
        assert!(noted(&faults, began, 9), "and still are");
        assert_eq!(faults.total(), 4);
        assert!(!faults.is_out());
        assert_eq!([faults.set_out(), faults.set_out()], [true, false]);
        assert!(faults.is_out());
    }

    #[test]
    fn those_of_long_ago_do_not_count() {
        let (faults, began) = (Faults::default(), Instant::now());
        assert_eq!([0, 9, 10, 19].map(|s| noted(&faults, began, s)), [false; 4]);
        assert!(noted(&faults, began, 19));
    }

    #[test]
    fn the_first_may_be_one_too_many() {
        let limit = FaultLimit { faults: 1, ..LIMIT };
        assert!(Faults::default().note("p", &CallError::TimedOut, limit));
    }
}
