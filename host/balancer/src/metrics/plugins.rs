//! The plugins: those that are there, and what those in use do.

use prometheus::Result;
use ringwright_metrics::{Scrape, boxed, counter, gauge, gauges};

use crate::Balancer;
use crate::brain::{Active, Brain, Kind};
use crate::routing::Shadow;

pub(super) fn tell(scrape: &Scrape, balancer: &Balancer) -> Result<()> {
    let brain = &balancer.brain;
    listed(scrape, brain)?;
    in_use(scrape, brain)?;
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

fn in_use(scrape: &Scrape, brain: &Brain) -> Result<()> {
    let help = "Plugins in use; the value is always 1.";
    let active = scrape.tell(gauges("ringwright_plugin_active", help, &[], &["name", "kind"]))?;
    let (hash, placement) = (brain.hash(), brain.placement());
    for of in [labels(&hash), labels(&placement)] {
        active.with_label_values(&of).set(1);
        // One that has not failed is told too.
        brain.faults().with_label_values(&of);
    }
    scrape.all([boxed(brain.faults()), hash.calls.collector(), placement.calls.collector()])
}

fn labels<P: Kind>(active: &Active<P>) -> [&str; 2] {
    [&active.choice.name, P::NAME]
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
