//! Copies out: pages of row versions for a replica that joins.

use ringwright_model::{Key, NEVER, Term};
use ringwright_wire::{Export, Page, Version, WireError};

use crate::catalog::{Catalog, not_held};
use crate::database::{Database, Transaction};

/// A page ends with the row that makes it heavier than this. One row is at most a request's
/// body, so that a page always fits the message that brings it to another server.
const PAGE_BYTES: usize = 8 << 20;

type Line = (Key, i64, i64, String);

/// Every row visible at `$4`, by key. What was deleted after `$4` was not as of it.
const VISIBLE: &str = "
    SELECT key, cat, 9223372036854775807, row FROM row_version
    WHERE shard = $1 AND (key, cat) > ($2, $3) AND cat <= $4 AND dat > $4
    ORDER BY key, cat LIMIT $5";

/// The versions with an event in `($6, $4]`, by key: one walk over the shard, spread over the
/// pages.
const DELTAS_BY_KEY: &str = "
    SELECT key, cat, CASE WHEN dat > $4 THEN 9223372036854775807 ELSE dat END, row
    FROM row_version
    WHERE shard = $1 AND (key, cat) > ($2, $3) AND cat <= $4
    AND CASE WHEN dat > $4 THEN cat ELSE dat END > $6
    ORDER BY key, cat LIMIT $5";

/// The same through the indexes on CAT and DAT: no walk, but all of them for every page. (Not
/// materialized, SQLite walks after all, to spare itself the sort.)
const DELTAS_BY_TERM: &str = "
    WITH delta AS MATERIALIZED (
        SELECT key, cat, dat, row FROM row_version
        WHERE shard + 0 = $1 AND cat > $6 AND cat <= $4
        UNION ALL
        SELECT key, cat, dat, row FROM row_version
        WHERE shard = $1 AND dat > $6 AND dat <= $4 AND dat < 9223372036854775807 AND cat <= $6
    )
    SELECT key, cat, CASE WHEN dat > $4 THEN 9223372036854775807 ELSE dat END, row FROM delta
    WHERE (key, cat) > ($2, $3)
    ORDER BY key, cat LIMIT $5";

/// Whether there are more than `$4` of them.
const MANY_DELTAS: &str = "
    SELECT COUNT(*) FROM (
        SELECT 1 FROM row_version WHERE shard + 0 = $1 AND cat > $2 AND cat <= $3
        UNION ALL
        SELECT 1 FROM row_version
        WHERE shard = $1 AND dat > $2 AND dat <= $3 AND dat < 9223372036854775807
        LIMIT $4
    ) AS delta";

pub(crate) async fn export(database: &Database, export: &Export) -> Result<Page, WireError> {
    let mut tx = database.snapshot().await?;
    let shards = [[export.shard.as_str()]].into();
    let catalog = Catalog::load_some(&mut tx, &shards).await?;
    catalog.check(&export.stamp)?;
    let page = page(&mut tx, &catalog, export).await?;
    tx.commit().await?;
    Ok(page)
}

async fn page(tx: &mut Transaction, catalog: &Catalog, export: &Export) -> Result<Page, WireError> {
    let shard = catalog.whole(&export.shard)?;
    let safe_point = shard.safe_point;
    if export.after.unwrap_or(export.upto) < safe_point {
        return Err(WireError::BelowSafePoint { shard: export.shard.clone(), safe_point });
    }
    if export.upto > shard.reach {
        return Err(not_held(&export.shard));
    }
    // One more than asked for tells whether there is another page.
    let limit = usize::try_from(export.limit.max(1)).unwrap_or(usize::MAX);
    let fetch = i64::from(export.limit.max(1)) + 1;
    let (key, cat) = export.cursor.map_or((-1, 0), |(key, cat)| (key, cat));
    let number = shard.number;
    let args = [number.into(), key.into(), cat.into(), export.upto.into(), fetch.into()];
    let weight = |(_, _, _, row): &Line| row.len();
    let (mut lines, ended) = match export.after {
        None => tx.rows_within(VISIBLE, &args, PAGE_BYTES, weight).await?,
        Some(after) => {
            let many = many_deltas(tx, number, after, export.upto, fetch).await?;
            let sql = if many { DELTAS_BY_KEY } else { DELTAS_BY_TERM };
            let args: Vec<_> = args.into_iter().chain([after.into()]).collect();
            tx.rows_within(sql, &args, PAGE_BYTES, weight).await?
        }
    };
    let more = !ended || lines.len() > limit;
    lines.truncate(limit);
    let versions: Vec<Version> = lines.into_iter().map(version).collect();
    let cursor = versions.last().filter(|_| more).map(|v| (v.key, v.cat));
    Ok(Page { versions, cursor, safe_point })
}

/// Whether the deltas fill more than a page.
async fn many_deltas(
    tx: &mut Transaction,
    number: i64,
    after: Term,
    upto: Term,
    fetch: i64,
) -> Result<bool, WireError> {
    let args = [number.into(), after.into(), upto.into(), fetch.into()];
    let count: Vec<(i64,)> = tx.rows(MANY_DELTAS, &args).await?;
    Ok(count.first().is_some_and(|(n,)| *n >= fetch))
}

fn version((key, cat, dat, row): Line) -> Version {
    let dat = if dat == i64::MAX { NEVER } else { dat.unsigned_abs() };
    Version { key, cat: cat.unsigned_abs(), dat, row: row.into_boxed_str() }
}
