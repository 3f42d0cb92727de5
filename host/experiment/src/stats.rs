//! Figures of many values.

use std::time::Duration;

use crate::Sample;

/// The middle and the spread of some values.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation, of all values and not of a sample of them.
    pub deviation: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// Of these values; all zero where there are none.
    pub fn of(values: &[f64]) -> Self {
        let count = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        let least = values.iter().copied().reduce(f64::min).unwrap_or_default();
        let most = values.iter().copied().reduce(f64::max).unwrap_or_default();
        Spread { mean, deviation: (squares / count).sqrt(), least, most }
    }
}

/// What a run of requests took.
#[derive(Clone, Debug)]
pub struct Taken {
    /// How many there were.
    pub requests: usize,
    /// How many of them were not done.
    pub failed: usize,
    /// How many of these were answered well, without the row that they asked for.
    pub missed: usize,
    /// Whether each was looked at for its row, and had it.
    pub found_all: bool,
    /// From the first request to the last answer, in seconds.
    pub total_s: f64,
    /// Of each request, in milliseconds.
    pub latency_ms: Spread,
    /// Half of the requests took no longer, in milliseconds.
    pub median_ms: f64,
    /// 99 of 100 took no longer, in milliseconds.
    pub p99_ms: f64,
}

impl Taken {
    /// Of these requests.
    pub fn of(samples: &[Sample]) -> Self {
        let mut latencies: Vec<f64> = samples.iter().map(|s| milliseconds(s.latency)).collect();
        latencies.sort_by(f64::total_cmp);
        let total = samples.iter().map(Sample::end).max().unwrap_or_default();
        Taken {
            requests: samples.len(),
            failed: samples.iter().filter(|s| !s.is_good()).count(),
            missed: samples.iter().filter(|s| s.missed()).count(),
            found_all: samples.iter().all(|s| s.found == Some(true)),
            total_s: total.as_secs_f64(),
            latency_ms: Spread::of(&latencies),
            median_ms: quantile(&latencies, 0.5),
            p99_ms: quantile(&latencies, 0.99),
        }
    }

    /// Requests done a second.
    pub fn per_second(&self) -> f64 {
        let done = (self.requests - self.failed) as f64;
        if self.total_s > 0.0 { done / self.total_s } else { 0.0 }
    }
}

/// In milliseconds.
pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The least of the sorted values that so large a part does not exceed; 0 where there are none.
pub fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_of_all_values() {
        let spread = Spread::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!(spread, Spread { mean: 5.0, deviation: 2.0, least: 2.0, most: 9.0 });
        assert_eq!(Spread::of(&[]).mean, 0.0);
    }

    #[test]
    fn quantiles_are_values() {
        let sorted: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!((quantile(&sorted, 0.5), quantile(&sorted, 0.99)), (50.0, 99.0));
        assert_eq!((quantile(&[7.0], 0.99), quantile(&[], 0.5)), (7.0, 0.0));
    }

    #[test]
    fn a_failed_request_is_counted_and_not_done() {
        let sample = |start, status| Sample {
            start: Duration::from_secs(start),
            latency: Duration::from_secs(1),
            status,
            ..Sample::default()
        };
        let missed = Sample { found: Some(false), ..sample(2, 200) };
        let taken =
            Taken::of(&[sample(0, 200), sample(1, 503), sample(3, 200), sample(1, 0), missed]);
        assert_eq!((taken.requests, taken.failed, taken.missed, taken.total_s), (5, 3, 1, 4.0));
        assert_eq!((taken.per_second(), taken.median_ms), (0.5, 1000.0));
        assert!(!taken.found_all);
    }
}
