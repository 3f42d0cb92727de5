//! Row versions: the statements on the table that holds the data.

use ringwright_model::{Key, Term};
use ringwright_wire::WireError;
use serde_json::value::RawValue;

use crate::bulk;
use crate::catalog::Shard;
use crate::database::{Transaction, list, storage};

/// A row as reads answer it.
pub(crate) type Row = (Key, Box<RawValue>);

/// Brings a shard back to what it was at `vat`, which is all that was ever committed of it.
pub(crate) async fn undo(
    tx: &mut Transaction,
    shard: &mut Shard,
    vat: Term,
) -> Result<(), WireError> {
    if shard.top > vat {
        let args = [shard.number.into(), vat.into()];
        tx.execute("DELETE FROM row_version WHERE shard + 0 = $1 AND cat > $2", &args).await?;
        tx.execute(
            "UPDATE row_version SET dat = 9223372036854775807
             WHERE shard = $1 AND dat > $2 AND dat < 9223372036854775807",
            &args,
        )
        .await?;
        shard.top = vat;
    }
    shard.reach = shard.reach.min(vat);
    Ok(())
}

/// The versions that live of the keys (shard number, key).
pub(crate) const LIVE: &str = "
    SELECT v.shard, v.key, v.cat FROM json_each($1) AS q CROSS JOIN row_version AS v
    WHERE v.shard = CAST(q.value->>0 AS BIGINT) AND v.key = CAST(q.value->>1 AS BIGINT)
    AND v.dat = 9223372036854775807";

/// Of the rows asked for (shard number, key), those that live, with their CAT.
pub(crate) async fn live(
    tx: &mut Transaction,
    keys: &[(i64, Key)],
) -> Result<Vec<(i64, Key, i64)>, WireError> {
    tx.rows(LIVE, &[list(keys)?.as_str().into()]).await
}

/// Adds versions (shard number, key, CAT, DAT, row), each in place of one of the same CAT.
pub(crate) async fn put(
    tx: &mut Transaction,
    versions: &[(i64, Key, Term, Term, &str)],
) -> Result<(), WireError> {
    if versions.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO row_version (shard, key, cat, dat, row)
               SELECT CAST(value->>0 AS BIGINT), CAST(value->>1 AS BIGINT),
                      CAST(value->>2 AS BIGINT), CAST(value->>3 AS BIGINT), value->>4
               FROM json_each($1) WHERE true
               ON CONFLICT (shard, key, cat) DO UPDATE SET dat = excluded.dat, row = excluded.row";
    tx.execute(sql, &[list(versions)?.as_str().into()]).await?;
    Ok(())
}

/// The same for a page of one shard, as copies bring them: ordered by key, and most often above
/// all that is there. Then there is nothing they could take the place of.
pub(crate) async fn put_page(
    tx: &mut Transaction,
    page: &[(i64, Key, Term, Term, &str)],
) -> Result<(), WireError> {
    let Some((shard, low, ..)) = page.first() else { return Ok(()) };
    if page.is_sorted_by(|(_, a, b, ..), (_, c, d, ..)| (a, b) < (c, d)) {
        let sql = "SELECT 1 FROM row_version WHERE shard = $1 AND key >= $2 LIMIT 1";
        let above: Vec<(i32,)> = tx.rows(sql, &[(*shard).into(), (*low).into()]).await?;
        if above.is_empty() && bulk::copy(tx, page).await? {
            return Ok(());
        }
    }
    put(tx, page).await
}

/// Sets the DAT of versions (shard number, key, CAT, DAT).
pub(crate) async fn end(
    tx: &mut Transaction,
    versions: &[(i64, Key, i64, Term)],
) -> Result<(), WireError> {
    if versions.is_empty() {
        return Ok(());
    }
    let sql = "UPDATE row_version SET dat = CAST(q.value->>3 AS BIGINT) FROM json_each($1) AS q
               WHERE row_version.shard = CAST(q.value->>0 AS BIGINT)
               AND row_version.key = CAST(q.value->>1 AS BIGINT)
               AND row_version.cat = CAST(q.value->>2 AS BIGINT)";
    tx.execute(sql, &[list(versions)?.as_str().into()]).await?;
    Ok(())
}

/// The rows of a range of keys visible at a term, in key order.
pub(crate) async fn range(
    tx: &mut Transaction,
    shard: i64,
    (low, high): (Key, Key),
    vat: Term,
) -> Result<Vec<Row>, WireError> {
    let sql = "SELECT key, row FROM row_version
               WHERE shard = $1 AND key BETWEEN $2 AND $3 AND cat <= $4 AND dat > $4
               ORDER BY key";
    let args = [shard.into(), low.into(), high.into(), vat.into()];
    let rows: Vec<(Key, String)> = tx.rows(sql, &args).await?;
    rows.into_iter().map(|(key, row)| Ok((key, raw(row)?))).collect()
}

/// Single rows, each (place, shard number, key, term), those that are visible by their place.
pub(crate) async fn points(
    tx: &mut Transaction,
    wanted: &[(usize, i64, Key, Term)],
) -> Result<Vec<(usize, Row)>, WireError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let sql = "SELECT CAST(q.value->>0 AS BIGINT), v.key, v.row
               FROM json_each($1) AS q CROSS JOIN row_version AS v
               WHERE v.shard = CAST(q.value->>1 AS BIGINT) AND v.key = CAST(q.value->>2 AS BIGINT)
               AND v.cat <= CAST(q.value->>3 AS BIGINT) AND v.dat > CAST(q.value->>3 AS BIGINT)";
    let rows: Vec<(i64, Key, String)> = tx.rows(sql, &[list(wanted)?.as_str().into()]).await?;
    rows.into_iter()
        .map(|(place, key, row)| Ok((usize::try_from(place).map_err(storage)?, (key, raw(row)?))))
        .collect()
}

/// A row as it is answered.
pub(crate) fn raw(row: String) -> Result<Box<RawValue>, WireError> {
    RawValue::from_string(row).map_err(storage)
}
