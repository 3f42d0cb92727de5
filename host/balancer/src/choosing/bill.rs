//! What a swap would change, before it does.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringwright_plugin_runtime::{HashPlugin, PlacementPlugin};
use ringwright_replication::Member;
use ringwright_ring::{Balance, Moves, Table};
use serde::Serialize;

use super::{ChooseError, Picks};
use crate::Balancer;
use crate::brain::Active;
use crate::routing::{LayoutError, Published, blocking};
use crate::shaping::Planned;

/// The request ids it is worked out over: evenly from the six digits that requests draw.
const IDS: std::ops::Range<u64> = 100_000..1_000_000;
/// Every so many of them: 100,000 in all.
const STEP: usize = 9;

/// What a swap would change.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Bill {
    /// Of the hash function, where another was asked for.
    pub hash: Option<HashBill>,
    /// Of the placement policy, where another was asked for.
    pub placement: Option<PlacementBill>,
}

/// Where requests would go. What the active function would do is none where it cannot tell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HashBill {
    /// The active function.
    pub from: String,
    /// The other.
    pub to: String,
    /// How many request ids were looked at.
    pub ids: u64,
    /// The share of them that would go to another server, 0 to 1.
    pub moved: Option<f64>,
    /// The load of the busiest server relative to its fair part; none without servers.
    pub peak_to_mean: Option<BeforeAfter>,
    /// The share of requests of each server that answers.
    pub servers: BTreeMap<String, ServerShare>,
}

/// A figure as it is, and as it would be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BeforeAfter {
    /// By the active function.
    pub before: Option<f64>,
    /// By the other.
    pub after: f64,
}

/// A server's share of the requests, 0 to 1.
pub type ServerShare = BeforeAfter;

/// Which copies would move.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlacementBill {
    /// The active policy.
    pub from: String,
    /// The other.
    pub to: String,
    /// What the other would move if it were asked to rebalance now. The swap itself moves nothing.
    pub moves: Vec<Planned>,
    /// What these would copy, where that is known of each.
    pub bytes: Option<u64>,
}

impl Balancer {
    /// Works out what a swap would change, and changes nothing.
    ///
    /// # Errors
    /// Those that the swap itself would have.
    pub async fn bill(&self, picks: &Picks) -> Result<Bill, ChooseError> {
        let mut bill = Bill::default();
        if let Some(pick) = &picks.hash {
            let found = self.brain.find(pick, picks.force).await?;
            bill.hash = Some(self.hash_bill(found).await?);
        }
        if let Some(pick) = &picks.placement {
            let found = self.brain.find(pick, picks.force).await?;
            bill.placement = Some(self.placement_bill(found).await?);
        }
        Ok(bill)
    }

    async fn hash_bill(&self, found: Active<HashPlugin>) -> Result<HashBill, ChooseError> {
        let live = self.live();
        let prepared = self.prepare(found).await?;
        let (to, table) = (prepared.hash(), self.router.ring_of(&prepared, &live).await?);
        let after = owners(to.clone(), table).await?;
        // That the active one fails may be why another is wanted.
        let before = match self.router.ring(&live).await {
            Ok(Published { hash, ring }) => owners(hash, ring.table.clone()).await.ok(),
            Err(_) => None,
        };
        let from = self.brain.hash().choice.name.clone();
        Ok(compare(from, to.choice.name.clone(), &live, before.as_deref(), &after))
    }

    async fn placement_bill(
        &self,
        found: Active<PlacementPlugin>,
    ) -> Result<PlacementBill, ChooseError> {
        let moves = self.would_move(&found).await?;
        Ok(PlacementBill {
            from: self.brain.placement().choice.name.clone(),
            to: found.choice.name,
            bytes: moves.iter().map(|m| m.bytes).sum(),
            moves,
        })
    }
}

/// Positions of the owners of the request ids.
async fn owners(
    hash: Arc<Active<HashPlugin>>,
    table: Table,
) -> Result<Vec<Option<usize>>, LayoutError> {
    let name = hash.choice.name.clone();
    blocking(&name, move || {
        let ids: Vec<u64> = IDS.step_by(STEP).collect();
        let plugin = hash.choice.name.clone();
        let slots = hash.plugin.slots(&ids, table.slots());
        let slots = slots.map_err(|error| LayoutError { plugin, error })?;
        Ok(slots.into_iter().map(|slot| table.owner(slot)).collect())
    })
    .await
}

fn compare(
    from: String,
    to: String,
    live: &[Arc<Member>],
    before: Option<&[Option<usize>]>,
    after: &[Option<usize>],
) -> HashBill {
    let weights: Vec<u32> = live.iter().map(|m| m.attributes().weight).collect();
    let loads = |owners: &[Option<usize>]| {
        let mut loads = vec![0_u64; live.len()];
        for &owner in owners.iter().flatten() {
            loads[owner] += 1;
        }
        loads
    };
    let peak = |loads: &[u64]| Balance::of(loads, &weights).map(|b| b.peak_to_mean);
    let share = |load: u64| load as f64 / after.len().max(1) as f64;
    let (was, will) = (before.map(loads), loads(after));
    let servers = live.iter().zip(&will).enumerate().map(|(i, (member, &after))| {
        let before = was.as_ref().map(|was| share(was[i]));
        (member.name.clone(), ServerShare { before, after: share(after) })
    });
    HashBill {
        from,
        to,
        ids: after.len() as u64,
        moved: before.map(|before| Moves::count(before.iter().zip(after), |_| true).share()),
        peak_to_mean: peak(&will)
            .map(|after| BeforeAfter { before: was.as_deref().and_then(peak), after }),
        servers: servers.collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    fn bill(before: Option<&[Option<usize>]>) -> HashBill {
        let live = [Member::new(1, "a"), Member::new(2, "b")];
        let after = [Some(0), Some(1), Some(1), Some(0)];
        compare("one".into(), "other".into(), &live, before, &after)
    }

    #[test]
    fn what_moves_and_who_gets_what() {
        let bill = bill(Some(&[Some(0), Some(0), Some(0), Some(0)]));
        assert_eq!((bill.ids, bill.moved), (4, Some(0.5)));
        let peak = BeforeAfter { before: Some(2.0), after: 1.0 };
        assert_eq!(bill.peak_to_mean, Some(peak));
        assert_eq!(bill.servers["b"], BeforeAfter { before: Some(0.0), after: 0.5 });
    }

    #[test]
    fn there_is_a_bill_though_the_active_function_cannot_tell() {
        let bill = bill(None);
        assert_eq!((bill.ids, bill.moved), (4, None));
        assert_eq!(bill.peak_to_mean, Some(BeforeAfter { before: None, after: 1.0 }));
        assert_eq!(bill.servers["b"], BeforeAfter { before: None, after: 0.5 });
    }
}
