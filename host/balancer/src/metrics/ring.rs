//! The ring of the servers that answer: how evenly it spreads requests.

use prometheus::Result;
use ringwright_metrics::{Scrape, measure, measures};
use ringwright_ring::Balance;

use crate::Balancer;

/// Tells nothing while there is no ring: it is laid out beside the requests, not for this.
pub(super) fn tell(scrape: &Scrape, balancer: &Balancer) -> Result<()> {
    let live = balancer.live();
    let Some(ring) = balancer.router.published(&live) else { return Ok(()) };
    let mut owned = vec![0_u64; live.len()];
    for owner in (0..ring.table.slots()).filter_map(|slot| ring.table.owner(slot)) {
        if let Some(slots) = owned.get_mut(owner) {
            *slots += 1;
        }
    }
    let help = "Share of the ring's slots that a server owns, from 0 to 1.";
    let share = scrape.tell(measures("ringwright_ring_share_ratio", help, &[], &["server"]))?;
    for (member, slots) in live.iter().zip(&owned) {
        let part = *slots as f64 / f64::from(ring.table.slots().max(1));
        share.with_label_values(&[&member.name]).set(part);
    }
    let weights: Vec<u32> = live.iter().map(|member| member.attributes().weight).collect();
    let help = "Largest share of slots relative to what its server's weight entitles it to.";
    if let Some(balance) = Balance::of(&owned, &weights) {
        let peak = scrape.tell(measure("ringwright_ring_peak_to_mean_ratio", help, &[]))?;
        peak.set(balance.peak_to_mean);
    }
    Ok(())
}
