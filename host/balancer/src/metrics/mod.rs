//! What a balancer counts and measures, for `/metrics` and for whoever shows it.
//!
//! What happens is counted where it happens. What is so now ([`cluster`], [`ring`], [`plugins`])
//! is looked up when it is asked for, so that nothing is told of servers, shards and
//! plugins that are gone.

mod cluster;
mod heartbeats;
mod plugins;
mod requests;
mod ring;

pub use heartbeats::Heartbeats;
pub use requests::{Answered, Latency, Requests};

use prometheus::{IntGauge, Result};
use ringwright_metrics::{Scrape, boxed, gauge, gauges};
use tokio::sync::Semaphore;

use crate::Balancer;

/// How many may be told the metrics at a time.
const SCRAPES: usize = 4;

/// The metrics of one balancer that are counted as things happen.
pub struct Metrics {
    /// Requests of clients.
    pub requests: Requests,
    /// Signs of life of the servers.
    pub heartbeats: Heartbeats,
    /// Connections of clients that are open.
    pub(crate) connections: IntGauge,
    /// What is taken while the metrics are told: it is work, and asks for no token.
    pub(crate) scrapes: Semaphore,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Metrics {
            requests: Requests::new(),
            heartbeats: Heartbeats::new(),
            connections: gauge(
                "ringwright_connections",
                "Connections of clients that are open.",
                &[],
            ),
            scrapes: Semaphore::new(SCRAPES),
        }
    }
}

/// A number as a gauge takes it.
fn whole(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// All metrics of a balancer as they are now, in the text format of Prometheus.
///
/// # Errors
/// Where two metrics have one name and the same labels, which the tests would show.
pub(crate) fn told(balancer: &Balancer) -> Result<String> {
    let Metrics { requests, heartbeats, connections, .. } = &balancer.metrics;
    let view = balancer.cluster.view();
    heartbeats.follow(&view);
    let scrape = Scrape::new();
    scrape.all(requests.collectors())?;
    scrape.all(heartbeats.collectors())?;
    scrape.all([boxed(connections)])?;
    let help = "Connections of clients that may be open at once; beyond them clients wait.";
    let most = scrape.tell(gauge("ringwright_connections_limit", help, &[]))?;
    most.set(whole(balancer.settings.max_connections));
    let help = "What runs; the value is always 1.";
    let build = scrape.tell(gauges("ringwright_build_info", help, &[], &["version"]))?;
    build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    cluster::tell(&scrape, &balancer.cluster, &view)?;
    ring::tell(&scrape, balancer)?;
    plugins::tell(&scrape, balancer)?;
    scrape.disk(&balancer.settings.upload_dir)?;
    scrape.process()?;
    scrape.text()
}
