//! One look at all metrics.

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{Registry, Result};

/// What is told at one look.
pub(super) struct Scrape(Registry);

impl Scrape {
    pub(super) fn new() -> Self {
        Scrape(Registry::new())
    }

    /// Has a metric told; what it is set to until the end counts.
    pub(super) fn tell<M: Collector + Clone + 'static>(&self, metric: M) -> Result<M> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    /// Has metrics told that are held elsewhere.
    pub(super) fn all(&self, held: impl IntoIterator<Item = Box<dyn Collector>>) -> Result<()> {
        held.into_iter().try_for_each(|metric| self.0.register(metric))
    }

    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        self.0.gather()
    }
}
