//! Reads: rows as of a term, from one snapshot; they change nothing and wait for nobody.

use ringwright_wire::{QueryResult, RangeQuery, Read, ReadAnswer, WireError};

use crate::catalog::Catalog;
use crate::database::{Database, list, storage};
use crate::versions;

pub(crate) async fn read(database: &Database, read: &Read) -> Result<ReadAnswer, WireError> {
    if read.queries.iter().all(|q| q.low == q.high) {
        points(database, read).await
    } else {
        ranges(database, read).await
    }
}

/// A line of the catalog, or a place, a key and its row.
type Line = (
    String,
    Option<String>,
    i64,
    i64,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<i64>,
    Option<String>,
);

/// The server's row beside each shard's, as [`Catalog`] has them, and then place, key and row of
/// each query (place, shard, key, term). The row is looked for on its own: where it was joined to
/// the queries and the shards, a planner without statistics found it by its shard alone.
pub(crate) const POINTS: &str = "
    SELECT incarnation, cluster, epoch, next_number, table_schema, shard.id, shard.state,
           CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), CAST(NULL AS TEXT)
    FROM server_state LEFT JOIN shard ON shard.id IN (SELECT value->>1 FROM json_each($1))
    UNION ALL
    SELECT '', NULL, 0, 0, NULL, NULL, NULL,
           CAST(q.value->>0 AS BIGINT), CAST(q.value->>2 AS BIGINT), (
               SELECT v.row FROM row_version AS v
               WHERE v.shard = json_extract(shard.state, '$.number')
               AND v.key = CAST(q.value->>2 AS BIGINT) AND v.cat <= CAST(q.value->>3 AS BIGINT)
               AND v.dat > CAST(q.value->>3 AS BIGINT))
    FROM json_each($1) AS q CROSS JOIN shard WHERE shard.id = q.value->>1";

/// Single rows: one statement looks who asks, and fetches.
async fn points(database: &Database, read: &Read) -> Result<ReadAnswer, WireError> {
    let asked = read.queries.iter().enumerate();
    let asked: Vec<_> = asked.map(|(place, q)| (place, &q.shard, q.low, q.vat)).collect();
    let lines: Vec<Line> = database.rows(POINTS, &[list(&asked)?.as_str().into()]).await?;
    let (mut known, mut found) = (Vec::new(), Vec::new());
    for (incarnation, cluster, epoch, next, schema, id, state, place, key, row) in lines {
        match (place, key) {
            (Some(place), Some(key)) => found.extend(row.map(|row| (place, key, row))),
            _ => known.push((incarnation, cluster, epoch, next, schema, id, state)),
        }
    }
    let catalog = Catalog::decode(known)?;
    catalog.check(&read.stamp)?;
    let admitted = |query| admit(&catalog, query).map(|_| Vec::new());
    let mut results: Vec<_> = read.queries.iter().map(admitted).collect();
    for (place, key, row) in found {
        let place = usize::try_from(place).map_err(storage)?;
        if let Some(Ok(rows)) = results.get_mut(place) {
            rows.push((key, versions::raw(row)?));
        }
    }
    let results = results.into_iter().map(|r| r.map_or_else(|e| e, QueryResult::Rows)).collect();
    Ok(ReadAnswer { results })
}

async fn ranges(database: &Database, read: &Read) -> Result<ReadAnswer, WireError> {
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
