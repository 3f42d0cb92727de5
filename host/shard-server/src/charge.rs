//! Who is in charge of the server, and what it holds for them.

use async_trait::async_trait;
use ringwright_model::NEVER;
use ringwright_wire::{Adopt, Adopted, Assign, Holding, WireError};

use crate::catalog::{Catalog, Shard, not_held, stale};
use crate::versions;
use crate::writer::{Unit, Write};

#[async_trait]
impl Write for Adopt {
    type Answer = Adopted;

    async fn perform(&self, unit: &mut Unit) -> Result<Adopted, WireError> {
        let catalog = &mut unit.catalog;
        // Before the epoch: those of two clusters do not compare.
        if catalog.cluster.as_ref().is_some_and(|cluster| *cluster != self.cluster) {
            return Err(WireError::Cluster);
        }
        if self.epoch < catalog.epoch {
            return Err(WireError::Epoch { current: catalog.epoch, given: self.epoch });
        }
        catalog.cluster = Some(self.cluster.clone());
        if self.epoch > catalog.epoch {
            catalog.epoch = self.epoch;
            for shard in catalog.shards.values_mut() {
                // Rounds and joins are counted within an epoch. What an open join left beyond
                // `held` stays above `reach`, and is undone before anything can see it.
                shard.last_round = 0;
                shard.joining = false;
                shard.join = None;
                shard.page = 0;
            }
        }
        Ok(catalog.adopted())
    }
}

impl Catalog {
    fn adopted(&self) -> Adopted {
        let shards = self.shards.iter().map(|(id, shard)| Holding {
            shard: id.clone(),
            held: shard.held,
            safe_point: shard.safe_point,
        });
        Adopted { incarnation: self.incarnation.clone(), shards: shards.collect() }
    }
}

#[async_trait]
impl Write for Assign {
    type Answer = ();

    async fn perform(&self, unit: &mut Unit) -> Result<(), WireError> {
        unit.catalog.check(&self.stamp)?;
        let number = self.number.min(NEVER);
        let late = |shard: &Shard| shard.join.is_some_and(|latest| latest > number);
        for id in &self.forget {
            if unit.catalog.shards.get(id).is_some_and(late) {
                return Err(stale(id));
            }
            // Its rows are garbage now, and collected a few at a time.
            unit.catalog.shards.remove(id);
        }
        for (id, vat) in &self.in_sync {
            if !unit.catalog.shards.contains_key(id) {
                // Empty, it reaches term 0; for a later one it is refused below, and not kept.
                unit.catalog.create(id, Some(number));
            }
            let shard = unit.catalog.shards.get_mut(id).ok_or_else(|| not_held(id))?;
            if late(shard) || *vat < shard.vat_seen {
                return Err(stale(id));
            }
            // A term it was never sent everything of is not here, whoever says so.
            if shard.held.is_none() || *vat > shard.reach {
                return Err(not_held(id));
            }
            // A repeat that comes late, after a batch, must not undo the batch: it may have
            // been committed since.
            if shard.joining || shard.last_round == 0 {
                versions::undo(&mut unit.tx, shard, *vat).await?;
            }
            shard.joining = false;
            shard.held = Some(*vat);
            shard.vat_seen = *vat;
        }
        Ok(())
    }
}
