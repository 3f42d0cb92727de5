//! Metrics as every crate of the host makes them: by names that are constants, in the same
//! buckets.
//!
//! A crate holds its metrics where things happen, in a struct of its own, and whoever serves
//! `/metrics` registers them. None is global: one process may run many balancers.

mod process;
mod scrape;

pub use scrape::Scrape;

use std::collections::HashMap;

use prometheus::core::Collector;
use prometheus::{
    Counter, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec,
    IntGauge, IntGaugeVec, Opts, Result,
};

/// Upper bounds of how long things take, in seconds: from what memory answers to what a client
/// gives up on.
pub const SECONDS: [f64; 15] = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0,
];

/// Upper bounds of how long calls take that may be over in a fraction of a microsecond, in seconds.
pub const CALL_SECONDS: [f64; 13] = [
    0.000_000_1,
    0.000_000_25,
    0.000_000_5,
    0.000_001,
    0.000_002_5,
    0.000_01,
    0.000_1,
    0.001,
    0.01,
    0.1,
    1.0,
    2.5,
    10.0,
];

/// Upper bounds of how many there are of something in one batch.
pub const SIZES: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0, 16_384.0];

/// A label and its value, the same for all that a metric counts.
pub type Label<'a> = (&'a str, &'a str);

/// A count that only grows.
pub fn counter(name: &str, help: &str, of: &[Label]) -> IntCounter {
    made(IntCounter::with_opts(opts(name, help, of)))
}

/// An amount that only grows and is no whole number.
pub fn amount(name: &str, help: &str, of: &[Label]) -> Counter {
    made(Counter::with_opts(opts(name, help, of)))
}

/// Such counts, by the values of these labels.
pub fn counters(name: &str, help: &str, of: &[Label], by: &[&str]) -> IntCounterVec {
    made(IntCounterVec::new(opts(name, help, of), by))
}

/// A number that goes up and down.
pub fn gauge(name: &str, help: &str, of: &[Label]) -> IntGauge {
    made(IntGauge::with_opts(opts(name, help, of)))
}

/// Such numbers, by the values of these labels.
pub fn gauges(name: &str, help: &str, of: &[Label], by: &[&str]) -> IntGaugeVec {
    made(IntGaugeVec::new(opts(name, help, of), by))
}

/// A measure that is no whole number.
pub fn measure(name: &str, help: &str, of: &[Label]) -> Gauge {
    made(Gauge::with_opts(opts(name, help, of)))
}

/// Such measures, by the values of these labels.
pub fn measures(name: &str, help: &str, of: &[Label], by: &[&str]) -> GaugeVec {
    made(GaugeVec::new(opts(name, help, of), by))
}

/// How long something takes, in [`SECONDS`].
pub fn seconds(name: &str, help: &str, of: &[Label]) -> Histogram {
    made(Histogram::with_opts(buckets(opts(name, help, of), &SECONDS)))
}

/// The same, by the values of these labels.
pub fn seconds_by(name: &str, help: &str, of: &[Label], by: &[&str]) -> HistogramVec {
    made(HistogramVec::new(buckets(opts(name, help, of), &SECONDS), by))
}

/// The same, in [`CALL_SECONDS`].
pub fn call_seconds_by(name: &str, help: &str, of: &[Label], by: &[&str]) -> HistogramVec {
    made(HistogramVec::new(buckets(opts(name, help, of), &CALL_SECONDS), by))
}

/// How many there are in a batch, in [`SIZES`].
pub fn sizes(name: &str, help: &str, of: &[Label]) -> Histogram {
    made(Histogram::with_opts(buckets(opts(name, help, of), &SIZES)))
}

/// A metric for a registry: clones count as one.
pub fn boxed(metric: &(impl Collector + Clone + 'static)) -> Box<dyn Collector> {
    Box::new(metric.clone())
}

fn opts(name: &str, help: &str, of: &[Label]) -> Opts {
    let owned = |(label, value): &Label| ((*label).to_owned(), (*value).to_owned());
    Opts::new(name, help).const_labels(of.iter().map(owned).collect::<HashMap<_, _>>())
}

fn buckets(common_opts: Opts, buckets: &[f64]) -> HistogramOpts {
    HistogramOpts { common_opts, buckets: buckets.to_vec() }
}

/// The library refuses names, labels and buckets that are wrong. All of them are written in the
/// code, none comes from outside; the values of labels may be anything.
#[allow(clippy::expect_used)]
fn made<M>(metric: Result<M>) -> M {
    metric.expect("the names, labels and buckets of a metric are constants, and right")
}
