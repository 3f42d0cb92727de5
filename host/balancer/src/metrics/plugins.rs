//! The plugins: those that are there, and what those in use do.

use prometheus::{IntCounterVec, IntGaugeVec, Result};
use ringwright_metrics::{Scrape, counter, counters, gauge, gauges};

use crate::Balancer;
use crate::brain::{Active, Brain, Kind};
use crate::routing::Shadow;

pub(super) fn tell(scrape: &Scrape, balancer: &Balancer) -> Result<()> {
    let brain = &balancer.brain;
    listed(scrape, brain)?;
    let in_use = InUse::new(scrape)?;
    in_use.tell(scrape, &brain.hash())?;
    in_use.tell(scrape, &brain.placement())?;
    balancer.router.shadow().map_or(Ok(()), |shadow| shadowing(scrape, &shadow))
}

fn listed(scrape: &Scrape, brain: &Brain) -> Result<()> {
    let by = ["name", "kind", "digest", "api"];
    let help = "Plugins that can be used; the value is always 1.";
    let info = scrape.tell(gauges("ringwright_plugin_info", help, &[], &by))?;
    for entry in brain.listing().entries().filter(|entry| entry.is_loaded()) {
        let (digest, api) = (entry.digest().unwrap_or_default(), entry.api().unwrap_or_default());
        info.with_label_values(&[entry.name(), entry.kind(), digest, api]).set(1);
    }
    let help = "Plugins that are not asked any more, as they failed too often.";
    let out = scrape.tell(gauge("ringwright_plugins_out_of_service", help, &[]))?;
    out.set(super::whole(brain.out_of_service_count()));
    Ok(())
}

/// The plugins in use. What is counted of one begins when it is chosen.
struct InUse {
    active: IntGaugeVec,
    faults: IntCounterVec,
}

impl InUse {
    fn new(scrape: &Scrape) -> Result<Self> {
        let by = ["name", "kind"];
        let help = "Plugins in use; the value is always 1.";
        let active = scrape.tell(gauges("ringwright_plugin_active", help, &[], &by))?;
        let help = "Calls in which a plugin in use broke its contract.";
        let faults = scrape.tell(counters("ringwright_plugin_faults_total", help, &[], &by))?;
        Ok(InUse { active, faults })
    }

    fn tell<P: Kind>(&self, scrape: &Scrape, active: &Active<P>) -> Result<()> {
        let of = [active.choice.name.as_str(), P::NAME];
        self.active.with_label_values(&of).set(1);
        self.faults.with_label_values(&of).inc_by(active.faults.total());
        scrape.all([active.calls.collector()])
    }
}

/// What a hash function would do that sees requests and routes none.
fn shadowing(scrape: &Scrape, shadow: &Shadow) -> Result<()> {
    let tally = shadow.tally();
    let of = [("name", shadow.hash.choice.name.as_str())];
    let counts = [
        (
            "ringwright_shadow_requests_total",
            "Requests that the function in the shadow of the active one has seen.",
            tally.requests,
        ),
        (
            "ringwright_shadow_moved_total",
            "Requests that it would have sent to another server.",
            tally.moved,
        ),
        ("ringwright_shadow_missed_total", "Requests that it did not look at.", tally.missed),
    ];
    for (name, help, count) in counts {
        scrape.tell(counter(name, help, &of))?.inc_by(count);
    }
    Ok(())
}
