//! Signs of life: those that did not come, and what was done about it.

use std::collections::HashMap;

use prometheus::IntCounterVec;
use prometheus::core::Collector;
use ringwright_metrics::{boxed, counters};
use ringwright_replication::View;

/// Heartbeats that were missed, servers that were given up, and their replacements, by server.
pub struct Heartbeats {
    misses: IntCounterVec,
    flatlines: IntCounterVec,
    respawns: IntCounterVec,
}

impl Heartbeats {
    pub(super) fn new() -> Self {
        let by_server = |name, help| counters(name, help, &[], &["server"]);
        Heartbeats {
            misses: by_server(
                "ringwright_heartbeat_misses_total",
                "Signs of life that a server did not give in time.",
            ),
            flatlines: by_server(
                "ringwright_flatlines_total",
                "Times that a server was given up after too many misses in a row.",
            ),
            respawns: counters(
                "ringwright_respawns_total",
                "Attempts to replace a server that was given up, by outcome.",
                &[],
                &["server", "outcome"],
            ),
        }
    }

    pub(crate) fn missed(&self, server: &str) {
        self.misses.with_label_values(&[server]).inc();
    }

    pub(crate) fn flatlined(&self, server: &str) {
        self.flatlines.with_label_values(&[server]).inc();
    }

    pub(crate) fn respawned(&self, server: &str, well: bool) {
        let outcome = if well { "done" } else { "failed" };
        self.respawns.with_label_values(&[server, outcome]).inc();
    }

    pub(super) fn collectors(&self) -> [Box<dyn Collector>; 3] {
        [&self.misses, &self.flatlines, &self.respawns].map(boxed)
    }

    /// Forgets servers that the cluster has no more.
    pub(super) fn forget_all_but(&self, view: &View) {
        for counts in [&self.misses, &self.flatlines, &self.respawns] {
            for metric in counts.collect().iter().flat_map(|family| family.get_metric()) {
                let labels: HashMap<&str, &str> =
                    metric.get_label().iter().map(|pair| (pair.name(), pair.value())).collect();
                let server = labels.get("server").copied().unwrap_or_default();
                if !view.servers.contains_key(server) {
                    let _ = counts.remove(&labels); // another look may have been faster
                }
            }
        }
    }
}
