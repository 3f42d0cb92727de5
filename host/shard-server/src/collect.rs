//! Garbage: versions no read can need, and rows of shards that were forgotten or replaced.

use async_trait::async_trait;
use ringwright_wire::{Collect, WireError};

use crate::catalog::Shard;
use crate::database::Transaction;
use crate::writer::{Unit, Write};

/// Versions of one transaction: few enough that writes go between.
const CHUNK: i64 = 2000;

/// Versions a write removes where the safe point has moved: what one write leaves behind, others
/// take away, so that a shard under constant writing does not grow until the next collection.
pub(crate) const BY_A_WRITE: i64 = 500;

#[async_trait]
impl Write for Collect {
    /// Whether there may be more to remove.
    type Answer = bool;

    async fn perform(&self, unit: &mut Unit) -> Result<bool, WireError> {
        unit.catalog.check(&self.stamp)?;
        let mut room = CHUNK;
        for (id, safe_point) in &self.safe_points {
            // A shard that was forgotten meanwhile needs no safe point.
            let Some(shard) = unit.catalog.shards.get_mut(id) else { continue };
            shard.safe_point = shard.safe_point.max((*safe_point).min(shard.vat_seen));
            if room > 0 {
                room -= old_versions(&mut unit.tx, shard, room).await?;
            }
        }
        while room > 0 {
            let garbage = "SELECT number FROM garbage ORDER BY number LIMIT 1";
            let Some((number,)) = unit.tx.rows::<(i64,)>(garbage, &[]).await?.pop() else { break };
            let sql = "DELETE FROM row_version WHERE (shard, key, cat) IN (
                           SELECT shard, key, cat FROM row_version WHERE shard = $1 LIMIT $2)";
            let gone = removed(unit.tx.execute(sql, &[number.into(), room.into()]).await?);
            if gone < room {
                let done = "DELETE FROM garbage WHERE number = $1";
                unit.tx.execute(done, &[number.into()]).await?;
            }
            room -= gone;
        }
        Ok(room <= 0)
    }
}

/// Removes at most `room` versions that lie behind the shard's safe point; says how many.
pub(crate) async fn old_versions(
    tx: &mut Transaction,
    shard: &Shard,
    room: i64,
) -> Result<i64, WireError> {
    let sql = "DELETE FROM row_version WHERE (shard, key, cat) IN (
                   SELECT shard, key, cat FROM row_version
                   WHERE shard = $1 AND dat <= $2 AND dat < 9223372036854775807
                   LIMIT $3)";
    let args = [shard.number.into(), shard.safe_point.into(), room.into()];
    Ok(removed(tx.execute(sql, &args).await?))
}

fn removed(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
