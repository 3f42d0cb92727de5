//! What the protocol counts and measures, for whoever registers it.

use prometheus::core::Collector;
use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec};
use ringwright_metrics::{boxed, counter, counters, seconds, seconds_by, sizes};

/// Of the cluster as a whole.
pub struct Metrics {
    pub(crate) batches: Histogram,
    pub(crate) rounds: Histogram,
    pub(crate) fallen: IntCounter,
    pub(crate) commits: Commits,
    pub(crate) copies: Copied,
}

/// Of the commit point.
#[derive(Clone)]
pub(crate) struct Commits {
    pub(crate) duration: Histogram,
    pub(crate) together: Histogram,
    pub(crate) stalls: IntCounter,
}

/// Of the copies that bring replicas into sync.
#[derive(Clone)]
pub(crate) struct Copied {
    pub(crate) done: IntCounter,
    pub(crate) failed: IntCounter,
    pub(crate) rows: IntCounter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Metrics {
            batches: sizes(
                "ringwright_write_batch_requests",
                "Write requests that were replicated and committed as one batch.",
                &[],
            ),
            rounds: seconds(
                "ringwright_replication_round_duration_seconds",
                "Time from a batch being sent until the last of its replicas answered or failed.",
                &[],
            ),
            fallen: counter(
                "ringwright_replicas_fallen_total",
                "Replicas that fell out of sync at a commit.",
                &[],
            ),
            commits: Commits::new(),
            copies: Copied::new(),
        }
    }

    /// All of them, for a registry.
    pub fn collectors(&self) -> Vec<Box<dyn Collector>> {
        let Commits { duration, together, stalls } = &self.commits;
        let Copied { done, failed, rows } = &self.copies;
        let histograms = [&self.batches, &self.rounds, duration, together].map(boxed);
        let counters = [&self.fallen, stalls, done, failed, rows].map(boxed);
        histograms.into_iter().chain(counters).collect()
    }
}

impl Commits {
    fn new() -> Self {
        Commits {
            duration: seconds(
                "ringwright_commit_duration_seconds",
                "Time from a change of the metadata being wanted until it is on disk or refused.",
                &[],
            ),
            together: sizes(
                "ringwright_commit_batch_commits",
                "Commits that shared one transaction of the metadata store.",
                &[],
            ),
            stalls: counter(
                "ringwright_commit_stalls_total",
                "Attempts to commit that the metadata store did not answer.",
                &[],
            ),
        }
    }
}

impl Copied {
    fn new() -> Self {
        let copies = |outcome| {
            let help = "Copies to replicas out of sync that ended, by outcome.";
            counter("ringwright_copies_total", help, &[("outcome", outcome)])
        };
        Copied {
            done: copies("done"),
            failed: copies("failed"),
            rows: counter(
                "ringwright_copied_rows_total",
                "Row versions sent to replicas that are brought into sync.",
                &[],
            ),
        }
    }
}

/// How long the requests of a shard, or of a server, take: those that fail too.
pub struct Traffic {
    of: HistogramVec,
    pub(crate) reads: Histogram,
    pub(crate) writes: Histogram,
}

impl Traffic {
    /// Of a shard.
    pub(crate) fn of_shard(id: &str) -> Self {
        Traffic::new(seconds_by(
            "ringwright_shard_request_duration_seconds",
            "Time that reads and writes of a shard take, waiting included.",
            &[("shard", id)],
            &["operation"],
        ))
    }

    /// Of a server.
    pub(crate) fn of_server(name: &str) -> Self {
        Traffic::new(seconds_by(
            "ringwright_server_request_duration_seconds",
            "Time that a server takes over what it is asked: reads, with what is forwarded, and \
             batches of writes.",
            &[("server", name)],
            &["operation"],
        ))
    }

    fn new(of: HistogramVec) -> Self {
        let (reads, writes) = (of.with_label_values(&["read"]), of.with_label_values(&["write"]));
        Traffic { of, reads, writes }
    }

    /// It, for a registry.
    pub fn collector(&self) -> Box<dyn Collector> {
        boxed(&self.of)
    }
}

/// Requests that a server gave no good answer to.
pub struct Failures {
    of: IntCounterVec,
    pub(crate) reads: IntCounter,
    pub(crate) writes: IntCounter,
}

impl Failures {
    pub(crate) fn of_server(name: &str) -> Self {
        let of = counters(
            "ringwright_server_failures_total",
            "Requests that a server did not answer, or not with what was asked: reads, with what \
             is forwarded, and batches of writes.",
            &[("server", name)],
            &["operation"],
        );
        let (reads, writes) = (of.with_label_values(&["read"]), of.with_label_values(&["write"]));
        Failures { of, reads, writes }
    }

    /// They, for a registry.
    pub fn collector(&self) -> Box<dyn Collector> {
        boxed(&self.of)
    }
}
