//! One look at all metrics.

use std::path::Path;

use prometheus::core::Collector;
use prometheus::{Registry, Result, TextEncoder};
use rustix::fs::statvfs;

use crate::{amount, measure, process};

/// What is told at one look.
#[derive(Default)]
pub struct Scrape(Registry);

impl Scrape {
    /// Nothing yet.
    pub fn new() -> Self {
        Scrape::default()
    }

    /// Has a metric told; what it is set to until the end counts.
    ///
    /// # Errors
    /// Where one of that name and with the same labels is told already.
    pub fn tell<M: Collector + Clone + 'static>(&self, metric: M) -> Result<M> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    /// Has metrics told that are held elsewhere.
    ///
    /// # Errors
    /// As [`tell`](Self::tell).
    pub fn all(&self, held: impl IntoIterator<Item = Box<dyn Collector>>) -> Result<()> {
        held.into_iter().try_for_each(|metric| self.0.register(metric))
    }

    /// Has told what the process takes of the machine, where the system says so, by the names
    /// that every client of Prometheus uses.
    ///
    /// # Errors
    /// As [`tell`](Self::tell).
    pub fn process(&self) -> Result<()> {
        let Some(now) = process::Process::now() else { return Ok(()) };
        let help = "Processor time in user and system mode.";
        self.tell(amount("process_cpu_seconds_total", help, &[]))?.inc_by(now.cpu_seconds);
        for (name, help, value) in now.gauges() {
            self.tell(measure(name, help, &[]))?.set(value);
        }
        Ok(())
    }

    /// Has told how much room there is on the disk that a folder is on, or is going to be.
    ///
    /// # Errors
    /// As [`tell`](Self::tell).
    pub fn disk(&self, folder: &Path) -> Result<()> {
        let Some(disk) = folder.ancestors().find_map(|there| statvfs(there).ok()) else {
            return Ok(());
        };
        for (name, help, blocks) in [
            ("ringwright_disk_size_bytes", "Size of the disk the data are on.", disk.f_blocks),
            (
                "ringwright_disk_available_bytes",
                "Room that is left on the disk the data are on.",
                disk.f_bavail,
            ),
        ] {
            self.tell(measure(name, help, &[]))?.set(blocks as f64 * disk.f_frsize as f64);
        }
        Ok(())
    }

    /// All that was told, in the text format of Prometheus.
    ///
    /// # Errors
    /// Where a metric has no name.
    pub fn text(&self) -> Result<String> {
        TextEncoder::new().encode_to_string(&self.0.gather())
    }
}
