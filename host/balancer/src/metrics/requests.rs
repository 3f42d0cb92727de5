//! Requests of clients: how many, how they were answered, and how long that took.

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::proto::Metric;
use prometheus::{HistogramVec, IntCounterVec, IntGauge};
use ringwright_metrics::{boxed, counters, gauge, seconds_by};

/// By what requests are told apart.
const LABELS: [&str; 3] = ["route", "method", "code"];

/// The requests of clients.
pub struct Requests {
    total: IntCounterVec,
    duration: HistogramVec,
    in_flight: IntGauge,
}

/// The requests of one route and method that were answered with one code, since the start.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The route as the API declares it; `forwarded` for what goes to a server.
    pub route: String,
    /// The method, in capitals; `other` for what is none of HTTP's.
    pub method: String,
    /// The status of the answer.
    pub code: String,
    /// How long they took.
    pub latency: Latency,
}

/// How long requests took. Two of these, one taken after the other, tell of the time between.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Latency {
    /// Bounds in seconds, ascending, each with the number of requests that took no longer.
    pub buckets: Vec<(f64, u64)>,
    /// The requests, those beyond the last bound too.
    pub count: u64,
    /// Their time together, in seconds.
    pub sum: f64,
}

/// A request that is not answered yet, until this is dropped.
#[must_use]
pub(crate) struct UnderWay(IntGauge);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Requests {
    pub(crate) fn new() -> Self {
        Requests {
            total: counters(
                "ringwright_http_requests_total",
                "Requests answered, by route, method and status code.",
                &[],
                &LABELS,
            ),
            duration: seconds_by(
                "ringwright_http_request_duration_seconds",
                "Time from a request's head to the head of its answer.",
                &[],
                &LABELS,
            ),
            in_flight: gauge(
                "ringwright_http_requests_in_flight",
                "Requests that are not answered yet.",
                &[],
            ),
        }
    }

    pub(super) fn collectors(&self) -> [Box<dyn Collector>; 3] {
        [boxed(&self.total), boxed(&self.duration), boxed(&self.in_flight)]
    }

    /// A request has come.
    pub(crate) fn begin(&self) -> UnderWay {
        self.in_flight.inc();
        UnderWay(self.in_flight.clone())
    }

    /// A request was answered.
    pub(crate) fn answered(&self, labels: [&str; 3], took: Duration) {
        self.total.with_label_values(&labels).inc();
        self.duration.with_label_values(&labels).observe(took.as_secs_f64());
    }

    /// What was answered since the start, by route, method and code.
    pub fn snapshot(&self) -> Vec<Answered> {
        let families = self.duration.collect();
        families.iter().flat_map(|family| family.get_metric()).map(Answered::from).collect()
    }
}

impl From<&Metric> for Answered {
    fn from(metric: &Metric) -> Self {
        let label = |name| {
            let pair = metric.get_label().iter().find(|pair| pair.name() == name);
            pair.map_or_else(String::new, |pair| pair.value().to_owned())
        };
        let seen = metric.get_histogram();
        let buckets = seen.get_bucket().iter();
        Answered {
            route: label("route"),
            method: label("method"),
            code: label("code"),
            latency: Latency {
                buckets: buckets.map(|b| (b.upper_bound(), b.cumulative_count())).collect(),
                count: seen.get_sample_count(),
                sum: seen.get_sample_sum(),
            },
        }
    }
}
