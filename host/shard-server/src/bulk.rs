//! Many row versions at once, by Postgres' COPY: a third of the work of an INSERT of as many.

use ringwright_model::{Key, Term};
use ringwright_wire::WireError;

use crate::database::{Transaction, storage};

const COPY: &str = "COPY row_version (shard, key, cat, dat, row) FROM STDIN (FORMAT binary)";

/// What Postgres' binary format begins and ends with; between the two each row says how many
/// columns it has, and each column how many bytes.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// Adds versions (shard number, key, CAT, DAT, row), none of which may be there. Says whether it
/// could: SQLite has no such way.
pub(crate) async fn copy(
    tx: &mut Transaction,
    versions: &[(i64, Key, Term, Term, &str)],
) -> Result<bool, WireError> {
    let Transaction::Postgres(tx) = tx else { return Ok(false) };
    let data = encoded(versions)?;
    let mut copy = tx.connection.copy_in_raw(COPY).await.map_err(storage)?;
    copy.send(data).await.map_err(storage)?;
    copy.finish().await.map_err(storage)?;
    Ok(true)
}

fn encoded(versions: &[(i64, Key, Term, Term, &str)]) -> Result<Vec<u8>, WireError> {
    let weight: usize = versions.iter().map(|(.., row)| row.len() + 54).sum();
    let mut data = Vec::with_capacity(weight + HEADER.len() + TRAILER.len());
    data.extend_from_slice(HEADER);
    for (shard, key, cat, dat, row) in versions {
        data.extend(5_i16.to_be_bytes());
        for n in [*shard, *key, number(*cat)?, number(*dat)?] {
            data.extend(8_i32.to_be_bytes());
            data.extend(n.to_be_bytes());
        }
        data.extend(i32::try_from(row.len()).map_err(storage)?.to_be_bytes());
        data.extend_from_slice(row.as_bytes());
    }
    data.extend(TRAILER);
    Ok(data)
}

fn number(term: Term) -> Result<i64, WireError> {
    i64::try_from(term).map_err(storage)
}
