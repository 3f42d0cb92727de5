//! What a shard server counts and measures.

use std::path::Path;
use std::time::Duration;

use prometheus::{Histogram, HistogramVec, IntCounter, Result};
use ringwright_metrics::{Scrape, boxed, counter, gauge, seconds, seconds_by, sizes};
use tokio::time::timeout;

use crate::database::Database;

/// The metrics of one server; clones count as one.
#[derive(Clone)]
pub(crate) struct Metrics {
    requests: HistogramVec,
    /// One transaction of the writer, with its flush.
    pub(crate) transactions: Histogram,
    /// What shared it.
    pub(crate) messages: Histogram,
    pub(crate) read: IntCounter,
    pub(crate) written: IntCounter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let rows = |operation| {
            let help = "Rows that reads answered, and that batches of writes asked to change.";
            counter("ringwright_shard_server_rows_total", help, &[("operation", operation)])
        };
        Metrics {
            requests: seconds_by(
                "ringwright_shard_server_request_duration_seconds",
                "Time from a request's head to its answer, by route and status code.",
                &[],
                &["route", "code"],
            ),
            transactions: seconds(
                "ringwright_shard_server_transaction_duration_seconds",
                "Time that a transaction of the writer takes until it is on disk.",
                &[],
            ),
            messages: sizes(
                "ringwright_shard_server_transaction_messages",
                "Messages that shared a transaction of the writer.",
                &[],
            ),
            read: rows("read"),
            written: rows("write"),
        }
    }

    pub(crate) fn answered(&self, route: &str, code: &str, took: Duration) {
        self.requests.with_label_values(&[route, code]).observe(took.as_secs_f64());
    }

    /// All of them as they are now, and the room where the data are kept, in the text format of
    /// Prometheus.
    ///
    /// # Errors
    /// Where two metrics have one name and the same labels, which the tests would show.
    pub(crate) async fn told(&self, database: &Database, folder: Option<&Path>) -> Result<String> {
        let scrape = Scrape::new();
        scrape.all([boxed(&self.requests), boxed(&self.transactions), boxed(&self.messages)])?;
        scrape.all([boxed(&self.read), boxed(&self.written)])?;
        // A database that does not answer must not keep the rest from being told.
        if let Ok(Ok(bytes)) = timeout(Duration::from_secs(1), database.bytes()).await {
            let help = "Size of the database.";
            scrape.tell(gauge("ringwright_shard_server_database_bytes", help, &[]))?.set(bytes);
        }
        folder.map_or(Ok(()), |folder| scrape.disk(folder))?;
        scrape.process()?;
        scrape.text()
    }
}
