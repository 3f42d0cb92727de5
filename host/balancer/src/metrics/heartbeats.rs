//! Signs of life: those that did not come, and what was done about it.

use std::collections::HashMap;

use prometheus::IntCounterVec;
use prometheus::core::Collector;
use ringwright_metrics::{boxed, counters};
use ringwright_replication::View;

const DONE: &str = "done";
const FAILED: &str = "failed";

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
        let outcome = if well { DONE } else { FAILED };
        self.respawns.with_label_values(&[server, outcome]).inc();
    }

    pub(super) fn collectors(&self) -> [Box<dyn Collector>; 3] {
        [&self.misses, &self.flatlines, &self.respawns].map(boxed)
    }

    /// Begins with 0 for the servers of the cluster, as a count that only appears with its first
    /// event tells no increase; and forgets those that it has no more.
    pub(super) fn follow(&self, view: &View) {
        for server in view.servers.keys() {
            for counts in [&self.misses, &self.flatlines] {
                counts.with_label_values(&[server]);
            }
            for outcome in [DONE, FAILED] {
                self.respawns.with_label_values(&[server.as_str(), outcome]);
            }
        }
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
