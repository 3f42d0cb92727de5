//! Copies in: pages of row versions into a replica that joins.

use async_trait::async_trait;
use ringwright_model::NEVER;
use ringwright_wire::{Import, ImportStart, WireError};

use crate::catalog::{Shard, bad_request, check_term, not_held, stale};
use crate::versions;
use crate::writer::{Unit, Write};

#[async_trait]
impl Write for Import {
    type Answer = ();

    async fn perform(&self, unit: &mut Unit) -> Result<(), WireError> {
        unit.catalog.check(&self.stamp)?;
        check(self)?;
        match self.start {
            Some(start) => open(unit, self, start).await?,
            None => go_on(unit, self)?,
        }
        let shard =
            unit.catalog.shards.get_mut(&self.shard).ok_or_else(|| not_held(&self.shard))?;
        let number = shard.number;
        let put: Vec<_> =
            self.versions.iter().map(|v| (number, v.key, v.cat, v.dat, &*v.row)).collect();
        versions::put_page(&mut unit.tx, &put).await?;
        let terms = self.versions.iter().flat_map(|v| [v.cat, v.dat]).filter(|t| *t < NEVER);
        shard.top = shard.top.max(terms.max().unwrap_or(0));
        if let Some(finish) = self.finish {
            shard.held = Some(finish.held);
            shard.reach = finish.held;
            shard.vat_seen = shard.vat_seen.max(finish.held);
            // What was here before the join may have less history than what was sent.
            shard.safe_point = shard.safe_point.max(finish.safe_point);
        }
        Ok(())
    }
}

/// What can be told wrong from the page alone.
fn check(import: &Import) -> Result<(), WireError> {
    if (import.page == 0) != import.start.is_some() {
        return Err(bad_request("the first page of a join, and only it, says where it starts"));
    }
    if import.versions.iter().any(|v| v.cat >= NEVER || v.dat > NEVER || v.cat > v.dat) {
        return Err(bad_request("a version's CAT and DAT must be terms, in this order"));
    }
    if let Some(finish) = import.finish {
        check_term(finish.held)?;
        if finish.safe_point > finish.held {
            return Err(bad_request("a safe point lies at or below what is held"));
        }
    }
    Ok(())
}

/// Opens a new join.
async fn open(unit: &mut Unit, import: &Import, start: ImportStart) -> Result<(), WireError> {
    let known = unit.catalog.shards.get(&import.shard);
    if known.and_then(|s| s.join).is_some_and(|seen| import.join <= seen) {
        return Err(stale(&import.shard));
    }
    match start {
        ImportStart::Empty => {
            // A fresh number is an empty shard; what was there is garbage now.
            let vat_seen = known.map_or(0, |s| s.vat_seen);
            let number = unit.catalog.fresh_number();
            let shard = Shard { number, vat_seen, ..Shard::default() };
            unit.catalog.shards.insert(import.shard.clone(), shard);
        }
        ImportStart::Held(from) => {
            let shard = unit.catalog.shards.get_mut(&import.shard).filter(|s| s.held >= Some(from));
            let shard = shard.ok_or_else(|| not_held(&import.shard))?;
            versions::undo(&mut unit.tx, shard, from).await?;
            // Pages only add what came after; up to here it stays whole, whatever happens.
            shard.held = Some(from);
        }
    }
    if let Some(shard) = unit.catalog.shards.get_mut(&import.shard) {
        shard.join = Some(import.join.min(NEVER));
        shard.joining = true;
        shard.page = 1;
    }
    Ok(())
}

/// Takes the next page of the open join, and no other.
fn go_on(unit: &mut Unit, import: &Import) -> Result<(), WireError> {
    let shard =
        unit.catalog.shards.get_mut(&import.shard).ok_or_else(|| not_held(&import.shard))?;
    if !shard.joining || shard.join != Some(import.join) || shard.page != import.page {
        return Err(stale(&import.shard));
    }
    shard.page += 1;
    Ok(())
}
