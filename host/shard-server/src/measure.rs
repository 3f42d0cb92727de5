//! How much shards hold.

use ringwright_wire::{Measure, Measured, Volume, WireError};

use crate::catalog::Catalog;
use crate::database::{Database, Transaction, storage};

/// Versions, those of them that were deleted, and how many of the first thousand take how many
/// bytes. Both counts walk an index and touch no row.
const VOLUME: &str = "
    SELECT
        (SELECT COUNT(*) FROM row_version WHERE shard = $1),
        (SELECT COUNT(*) FROM row_version WHERE shard = $1 AND dat < 9223372036854775807),
        COUNT(*), CAST(COALESCE(SUM(OCTET_LENGTH(row)), 0) AS BIGINT)
    FROM (SELECT row FROM row_version WHERE shard = $1 ORDER BY key, cat LIMIT 1000) AS few";

pub(crate) async fn measure(database: &Database, measure: &Measure) -> Result<Measured, WireError> {
    let mut tx = database.snapshot().await?;
    let shards = measure.shards.iter().map(|id| [id.as_str()]).collect();
    let catalog = Catalog::load_some(&mut tx, &shards).await?;
    catalog.check(&measure.stamp)?;
    let mut volumes = Vec::with_capacity(measure.shards.len());
    for id in &measure.shards {
        volumes.push(match catalog.whole(id) {
            Ok(shard) => Some(volume(&mut tx, shard.number).await?),
            Err(_) => None,
        });
    }
    tx.commit().await?;
    Ok(Measured { volumes })
}

async fn volume(tx: &mut Transaction, number: i64) -> Result<Volume, WireError> {
    let found: Vec<(i64, i64, i64, i64)> = tx.rows(VOLUME, &[number.into()]).await?;
    let (versions, deleted, some, bytes) =
        found.first().copied().ok_or_else(|| storage("no volume"))?;
    let rows = versions.abs_diff(deleted);
    let bytes = u128::from(bytes.unsigned_abs()) * u128::from(rows)
        / u128::from(some.unsigned_abs().max(1));
    Ok(Volume { rows, bytes: u64::try_from(bytes).unwrap_or(u64::MAX) })
}
