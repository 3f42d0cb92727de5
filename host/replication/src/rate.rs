//! Requests, counted, and how many a second there were of late.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// How far back a rate looks.
const WINDOW: Duration = Duration::from_secs(60);

/// Less time than this tells nothing.
const SHORTEST: Duration = Duration::from_secs(1);

/// Counts requests; a request only adds to it, and waits for nobody.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    count: AtomicU64,
    /// When so many had been counted: the last one from before the window, and those since.
    samples: Mutex<VecDeque<(Duration, u64)>>,
}

impl Rate {
    pub(crate) fn add(&self, requests: u64) {
        self.count.fetch_add(requests, Ordering::Relaxed);
    }

    /// Notes how many there were until now.
    pub(crate) fn sample(&self, now: Duration) {
        let mut samples = self.samples.lock();
        samples.push_back((now, self.count.load(Ordering::Relaxed)));
        while samples.get(1).is_some_and(|(at, _)| *at + WINDOW <= now) {
            samples.pop_front();
        }
    }

    /// Requests a second over the last minute, or since the first sample; not known before that.
    pub(crate) fn per_second(&self, now: Duration) -> Option<f64> {
        let (at, before) = *self.samples.lock().front()?;
        let span = now.checked_sub(at).filter(|span| *span >= SHORTEST)?;
        let requests = self.count.load(Ordering::Relaxed).saturating_sub(before);
        Some(requests as f64 / span.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn is(rate: &Rate, at: u64, expected: f64) {
        let found = rate.per_second(seconds(at)).unwrap();
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn a_rate_is_known_once_time_has_passed() {
        let rate = Rate::default();
        rate.add(7);
        assert_eq!(rate.per_second(seconds(9)), None, "nobody has looked yet");
        rate.sample(seconds(10));
        assert_eq!(rate.per_second(seconds(10)), None);
        is(&rate, 12, 0.0);
        rate.add(4);
        is(&rate, 12, 2.0);
    }

    #[test]
    fn what_lies_back_more_than_a_minute_is_forgotten() {
        let rate = Rate::default();
        for tens in 0..12 {
            rate.sample(seconds(tens * 10));
            rate.add(if tens < 6 { 1000 } else { 20 });
        }
        // Since 50, with what came after that sample; then since 60.
        is(&rate, 110, (1000.0 + 6.0 * 20.0) / 60.0);
        rate.sample(seconds(120));
        is(&rate, 120, 2.0);
        assert!(rate.samples.lock().len() <= 7);
    }
}
