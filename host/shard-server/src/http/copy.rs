//! `GET /copy`: whole shards as of a term, page by page.

use futures::stream::{self, Stream};
use ringwright_model::{Key, Term};
use ringwright_wire::{Export, QueryResult, RangeQuery, Read, ShardServer, Stamp, WireError};
use serde_json::value::RawValue;

use super::failure::Failure;
use super::payload::Fields;
use crate::Storage;

/// Rows of one page: no more of a copy is in memory at once.
const PAGE: u32 = 2000;

/// Which shards, each as of which term, and in which epoch.
pub(super) struct Wanted {
    epoch: u64,
    shards: Vec<(String, Term)>,
}

impl Wanted {
    pub(super) fn from_fields(fields: &Fields) -> Result<Self, Failure> {
        let (shards, terms) = (fields.get("shards")?, fields.get("valid_at")?);
        Self::pair(fields.maybe("epoch")?.unwrap_or(0), shards, terms)
    }

    /// `shards=sh1,sh2&valid_at=17,3`, or each name repeated.
    pub(super) fn from_query(query: &str) -> Result<Self, Failure> {
        let (mut epoch, mut shards, mut terms) = (0, Vec::new(), Vec::new());
        let uri = format!("/?{query}").parse().map_err(Failure::bad)?;
        let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri);
        for (name, value) in pairs.map_err(Failure::bad)?.0 {
            let number = |n: &str| {
                n.parse::<u64>().map_err(|e| Failure::bad(format!("field '{name}': {e}")))
            };
            match name.to_ascii_lowercase().as_str() {
                "shards" => shards.extend(value.split(',').map(str::to_owned)),
                "valid_at" => {
                    for n in value.split(',') {
                        terms.push(number(n)?);
                    }
                }
                "epoch" => epoch = number(&value)?,
                _ => return Err(Failure::bad(format!("field '{name}' is unknown"))),
            }
        }
        Self::pair(epoch, shards, terms)
    }

    fn pair(epoch: u64, shards: Vec<String>, terms: Vec<Term>) -> Result<Self, Failure> {
        if shards.len() != terms.len() {
            return Err(Failure::bad("field 'valid_at' must have one term for each shard"));
        }
        Ok(Wanted { epoch, shards: shards.into_iter().zip(terms).collect() })
    }
}

type PageOfRows = (String, Vec<Box<RawValue>>);

/// The shards' rows, at least one page a shard; fails at once where one cannot be answered.
pub(super) async fn rows(
    storage: Storage,
    wanted: Wanted,
) -> Result<impl Stream<Item = Result<PageOfRows, WireError>>, WireError> {
    let incarnation = storage.incarnation().to_owned();
    let stamp = Stamp { epoch: wanted.epoch, incarnation };
    admit(&storage, &stamp, &wanted.shards).await?;
    let start = (wanted.shards.into_iter(), None::<(Export, Option<(Key, Term)>)>);
    Ok(stream::try_unfold(start, move |(mut shards, current)| {
        let (storage, stamp) = (storage.clone(), stamp.clone());
        async move {
            let export = match current {
                Some((export, Some(cursor))) => Export { cursor: Some(cursor), ..export },
                _ => {
                    let Some((shard, upto)) = shards.next() else { return Ok(None) };
                    Export { stamp, shard, after: None, upto, cursor: None, limit: PAGE }
                }
            };
            let page = storage.export(export.clone()).await?;
            let row = |v: ringwright_wire::Version| RawValue::from_string(v.row.into());
            let rows = page.versions.into_iter().map(row).collect::<Result<_, _>>();
            let rows = rows.map_err(crate::database::storage)?;
            Ok(Some(((export.shard.clone(), rows), (shards, Some((export, page.cursor))))))
        }
    }))
}

/// Reads nothing from each shard, which tells whether it would be answered.
async fn admit(
    storage: &Storage,
    stamp: &Stamp,
    shards: &[(String, Term)],
) -> Result<(), WireError> {
    let nothing = |(shard, vat): &(String, Term)| RangeQuery {
        shard: shard.clone(),
        vat: *vat,
        low: 1,
        high: 0,
    };
    let queries = shards.iter().map(nothing).collect();
    let answer = storage.read(Read { stamp: stamp.clone(), queries }).await?;
    for ((shard, _), result) in shards.iter().zip(answer.results) {
        let shard = shard.clone();
        match result {
            QueryResult::Rows(_) => {}
            QueryResult::NotHeld => return Err(WireError::NotHeld { shard }),
            QueryResult::BelowSafePoint(safe_point) => {
                return Err(WireError::BelowSafePoint { shard, safe_point });
            }
        }
    }
    Ok(())
}
