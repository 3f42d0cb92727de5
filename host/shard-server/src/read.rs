//! Reads: rows as of a term, from one snapshot; they change nothing and wait for nobody.

use ringwright_wire::{QueryResult, RangeQuery, Read, ReadAnswer, WireError};

use crate::catalog::Catalog;
use crate::database::Database;
use crate::versions;

pub(crate) async fn read(database: &Database, read: &Read) -> Result<ReadAnswer, WireError> {
    let mut tx = database.snapshot().await?;
    let shards = read.queries.iter().map(|q| [q.shard.as_str()]).collect();
    let catalog = Catalog::load_some(&mut tx, &shards).await?;
    catalog.check(&read.stamp)?;

    let mut results = Vec::with_capacity(read.queries.len());
    let mut points = Vec::new();
    for (place, query) in read.queries.iter().enumerate() {
        results.push(match admit(&catalog, query) {
            Err(refused) => refused,
            // Single rows are fetched together.
            Ok(number) if query.low == query.high => {
                points.push((place, number, query.low, query.vat));
                QueryResult::Rows(Vec::new())
            }
            Ok(number) => {
                let keys = (query.low, query.high);
                QueryResult::Rows(versions::range(&mut tx, number, keys, query.vat).await?)
            }
        });
    }
    for (place, row) in versions::points(&mut tx, &points).await? {
        if let Some(QueryResult::Rows(rows)) = results.get_mut(place) {
            rows.push(row);
        }
    }
    tx.commit().await?;
    Ok(ReadAnswer { results })
}

/// The number of the query's shard, where the replica can answer as of the query's term.
fn admit(catalog: &Catalog, query: &RangeQuery) -> Result<i64, QueryResult> {
    match catalog.whole(&query.shard) {
        Ok(shard) if query.vat < shard.safe_point => {
            Err(QueryResult::BelowSafePoint(shard.safe_point))
        }
        Ok(shard) if query.vat <= shard.reach => Ok(shard.number),
        // The shard is not here, or not as of that term.
        _ => Err(QueryResult::NotHeld),
    }
}
