//! Throughput and the time to answer, second by second: what the histograms of the requests
//! gained from one look to the next.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::metrics::{Latency, Requests};

/// What clients come for: rows, and what is forwarded to a server. Whoever watches is not counted.
const ROUTES: [&str; 5] = ["/read", "/write", "/update", "/del", "forwarded"];

/// How far back samples are kept.
const KEPT: Duration = Duration::from_secs(300);

/// Less time than this makes no sample: it tells little, and takes as much room as any.
const SHORTEST: Duration = Duration::from_millis(500);

/// The traffic between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Sample {
    /// When it was taken, in milliseconds since 1970.
    time_ms: u64,
    requests_per_s: f64,
    /// Of these, those that were answered with 5xx.
    errors_per_s: f64,
    /// The median time to answer; none where nothing was answered.
    p50_s: Option<f64>,
    p95_s: Option<f64>,
    p99_s: Option<f64>,
}

/// Reads the traffic, and remembers some of it.
#[derive(Default)]
pub(super) struct Meter {
    last: Option<(Instant, Reading)>,
    samples: VecDeque<Sample>,
}

/// What was answered until now.
#[derive(Clone, Default)]
struct Reading {
    all: Latency,
    errors: u64,
}

impl Meter {
    /// The traffic since it was read last, or what was found then where that was just now; none
    /// before there were two readings.
    pub(super) fn read(&mut self, requests: &Requests, now_ms: u64) -> Option<Sample> {
        let now = Instant::now();
        let Some((then, before)) = &self.last else {
            self.last = Some((now, Reading::of(requests)));
            return None;
        };
        let time = now.duration_since(*then);
        if time < SHORTEST {
            return self.samples.back().copied();
        }
        let reading = Reading::of(requests);
        let sample = reading.since(before, time, now_ms);
        self.last = Some((now, reading));
        let oldest = now_ms.saturating_sub(u64::try_from(KEPT.as_millis()).unwrap_or(u64::MAX));
        self.samples.push_back(sample);
        self.samples.retain(|sample| sample.time_ms >= oldest);
        Some(sample)
    }

    /// The samples of the last minutes, the oldest first.
    pub(super) fn history(&self) -> &VecDeque<Sample> {
        &self.samples
    }
}

impl Reading {
    fn of(requests: &Requests) -> Self {
        let mut reading = Reading::default();
        for answered in requests.snapshot() {
            if !ROUTES.contains(&answered.route.as_str()) {
                continue;
            }
            if answered.code.starts_with('5') {
                reading.errors += answered.latency.count;
            }
            reading.add(&answered.latency);
        }
        reading
    }

    fn add(&mut self, more: &Latency) {
        self.all.count += more.count;
        if self.all.buckets.is_empty() {
            self.all.buckets.clone_from(&more.buckets);
            return;
        }
        // All histograms of one metric have the same bounds.
        for (sum, bucket) in self.all.buckets.iter_mut().zip(&more.buckets) {
            sum.1 += bucket.1;
        }
    }

    fn since(&self, before: &Reading, time: Duration, time_ms: u64) -> Sample {
        let mut gained = self.all.clone();
        for (bucket, was) in gained.buckets.iter_mut().zip(&before.all.buckets) {
            bucket.1 = bucket.1.saturating_sub(was.1);
        }
        gained.count = gained.count.saturating_sub(before.all.count);
        let errors = self.errors.saturating_sub(before.errors);
        let per_second = |n: u64| n as f64 / time.as_secs_f64();
        Sample {
            time_ms,
            requests_per_s: per_second(gained.count),
            errors_per_s: per_second(errors),
            p50_s: quantile(&gained, 0.5),
            p95_s: quantile(&gained, 0.95),
            p99_s: quantile(&gained, 0.99),
        }
    }
}

/// The time within which that part of the requests was answered, evenly spread over the bucket
/// that it falls in; the last bound where it is beyond that. As Prometheus reckons.
fn quantile(latency: &Latency, part: f64) -> Option<f64> {
    if latency.count == 0 {
        return None;
    }
    let rank = part * latency.count as f64;
    let (mut from, mut below) = (0.0, 0);
    for &(bound, upto) in &latency.buckets {
        if bound.is_finite() && upto as f64 >= rank {
            let within = upto.saturating_sub(below).max(1) as f64;
            return Some(from + (bound - from) * ((rank - below as f64) / within).clamp(0.0, 1.0));
        }
        if bound.is_finite() {
            (from, below) = (bound, upto);
        }
    }
    Some(from)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    fn latency(buckets: &[(f64, u64)], count: u64) -> Latency {
        Latency { buckets: buckets.to_vec(), count, sum: 0.0 }
    }

    #[test]
    fn a_quantile_is_where_its_rank_falls_in_a_bucket() {
        let seen = latency(&[(0.001, 0), (0.002, 50), (0.004, 100)], 100);
        assert_eq!(quantile(&seen, 0.5), Some(0.002));
        assert_eq!(quantile(&seen, 0.25), Some(0.0015));
        assert_eq!(quantile(&seen, 0.75), Some(0.003));
    }

    #[test]
    fn beyond_the_last_bound_nothing_more_is_known() {
        assert_eq!(quantile(&latency(&[(0.001, 0), (10.0, 1)], 4), 0.99), Some(10.0));
        assert_eq!(quantile(&latency(&[(10.0, 0)], 0), 0.5), None, "nothing was answered");
    }

    #[test]
    fn a_sample_tells_what_came_since_the_last_look() {
        let before = Reading { all: latency(&[(1.0, 90), (2.0, 90)], 90), errors: 3 };
        let now = Reading { all: latency(&[(1.0, 90), (2.0, 100)], 100), errors: 5 };
        let sample = now.since(&before, Duration::from_secs(2), 7);
        assert_eq!((sample.requests_per_s, sample.errors_per_s), (5.0, 1.0));
        assert_eq!(sample.p50_s, Some(1.5), "what was before does not count");
    }

    #[test]
    fn who_watches_is_not_counted() {
        let requests = Requests::new();
        let took = Duration::from_millis(3);
        requests.answered(["/status", "GET", "200"], took);
        assert_eq!(Reading::of(&requests).all.count, 0);
        requests.answered(["/read", "POST", "200"], took);
        requests.answered(["forwarded", "GET", "503"], took);
        let reading = Reading::of(&requests);
        assert_eq!((reading.all.count, reading.errors), (2, 1));
    }
}
