//! How much shards hold.

use ringwright_wire::{Measure, Measured, Volume, WireError};

use crate::catalog::Catalog;
use crate::database::{Database, Transaction, storage};

/// Versions, those of them that were deleted, and how many of the first thousand take how many
/// bytes. Both counts walk an index and touch no row; which finds the shard so is the engine's.
macro_rules! volume {
    ($shard:literal) => {
        concat!(
            "SELECT (SELECT COUNT(*) FROM row_version WHERE ",
            $shard,
            " = $1),
            (SELECT COUNT(*) FROM row_version WHERE shard = $1 AND dat < 9223372036854775807),
            COUNT(*), CAST(COALESCE(SUM(OCTET_LENGTH(row)), 0) AS BIGINT)
            FROM (SELECT row FROM row_version WHERE shard = $1 ORDER BY key, cat LIMIT 1000) AS few"
        )
    };
}

/// The index by CAT: the primary key has the rows in it.
const SQLITE: &str = volume!("shard + 0");
/// The primary key.
const POSTGRES: &str = volume!("shard");

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
    let sql = match tx {
        Transaction::Sqlite(_) => SQLITE,
        Transaction::Postgres(_) => POSTGRES,
    };
    let found: Vec<(i64, i64, i64, i64)> = tx.rows(sql, &[number.into()]).await?;
    let (versions, deleted, some, bytes) =
        found.first().copied().ok_or_else(|| storage("no volume"))?;
    let rows = versions.abs_diff(deleted);
    let bytes = u128::from(bytes.unsigned_abs()) * u128::from(rows)
        / u128::from(some.unsigned_abs().max(1));
    Ok(Volume { rows, bytes: u64::try_from(bytes).unwrap_or(u64::MAX) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[tokio::test]
    async fn versions_are_counted_without_a_row_being_read() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::sqlite(&dir.path().join("data.sqlite")).await.unwrap();
        let mut tx = database.snapshot().await.unwrap();
        let explain = format!("EXPLAIN QUERY PLAN {SQLITE}").leak();
        let plan: Vec<(i64, i64, i64, String)> = tx.rows(explain, &[1_i64.into()]).await.unwrap();
        let covered = |index| plan.iter().any(|(.., step)| step.contains(index));
        assert!(covered("COVERING INDEX row_version_by_cat"), "{plan:?}");
        assert!(covered("COVERING INDEX row_version_dat"), "{plan:?}");
    }
}
