//! Making changes, many in few statements.
//!
//! A commit is mostly raised VATs and kept answers. Each kind is gathered into one statement at
//! the end of the list, its rows taken out of one JSON text. No other change asks what they
//! did, so that nobody can tell.

use std::collections::BTreeMap;
use std::time::SystemTime;

use ringwright_model::Term;
use serde::Serialize;
use sqlx::error::{DatabaseError, ErrorKind};

use crate::database::Transaction;
use crate::query::Query;
use crate::statements;
use crate::{Change, MetadataError};

/// Makes all the changes; on an error the transaction is to be rolled back.
pub(crate) async fn apply(tx: &mut Transaction, changes: &[Change]) -> Result<(), MetadataError> {
    let now = now();
    let mut vats: BTreeMap<&str, Term> = BTreeMap::new();
    let mut answers: Vec<(&str, &str, &str)> = Vec::new();
    for change in changes {
        let query = match change {
            Change::RaiseVat { shard, vat } => {
                let highest = vats.entry(shard).or_default();
                *highest = (*highest).max(*vat);
                continue;
            }
            Change::Remember { key, fingerprint, answer } => {
                answers.push((key, fingerprint, answer));
                continue;
            }
            Change::AddShard(shard) => {
                unless_clash(tx, change, statements::add_shard(shard)?).await?;
                continue;
            }
            Change::PutServer(server) => {
                unless_clash(tx, change, statements::put_server(server)?).await?;
                continue;
            }
            Change::Attributes { server, attributes } => {
                let query = statements::set_attributes(server, attributes)?;
                unless_clash(tx, change, query).await?;
                continue;
            }
            Change::Ring(points) => {
                run(tx, change, statements::clear_ring()).await?;
                statements::put_ring(points)?
            }
            Change::Protocol(protocol) => statements::set_protocol(*protocol)?,
            Change::Schema(schema, sharding) => statements::set_schema(schema, *sharding)?,
            Change::RemoveServer { name } => statements::remove_server(name),
            Change::PutReplica { shard, server, state } => {
                statements::put_replica(shard, server, *state)?
            }
            Change::RemoveReplica { shard, server } => statements::remove_replica(shard, server),
            Change::HashPlugin(choice) => statements::set_hash_plugin(choice)?,
            Change::PlacementPlugin(choice) => statements::set_placement_plugin(choice)?,
            Change::Forget { older_than_s } => statements::forget(now, *older_than_s),
        };
        run(tx, change, query).await?;
    }
    raise(tx, &vats).await?;
    if !answers.is_empty() {
        tx.execute(statements::remember(&answers, now)?).await?;
    }
    Ok(())
}

async fn raise(tx: &mut Transaction, vats: &BTreeMap<&str, Term>) -> Result<(), MetadataError> {
    let Some(highest) = vats.values().max() else { return Ok(()) };
    signed(*highest)?;
    let list = json(&Vec::from_iter(vats))?;
    let raised = tx.execute(statements::raise_vats(&list)).await?;
    if usize::try_from(raised) == Ok(vats.len()) {
        return Ok(());
    }
    let unknown: Vec<(String,)> = tx.rows(statements::unknown_shards(list)).await?;
    let unknown: Vec<String> = unknown.into_iter().map(|(shard,)| shard).collect();
    Err(refused(format_args!("no shard is called {}", unknown.join(", "))))
}

/// Runs a statement that touches nothing where what is there differs from what is asked.
async fn unless_clash(
    tx: &mut Transaction,
    change: &Change,
    query: Query,
) -> Result<(), MetadataError> {
    match run(tx, change, query).await? {
        0 => Err(refused(format_args!("{change:?} clashes with what there is"))),
        _ => Ok(()),
    }
}

/// Runs a statement; what breaks a rule of the tables is refused, not tried again.
async fn run(tx: &mut Transaction, change: &Change, query: Query) -> Result<u64, MetadataError> {
    match tx.execute(query).await {
        Err(sqlx::Error::Database(e)) if is_for_good(&*e) => {
            Err(refused(format_args!("{change:?} cannot be made: {e}")))
        }
        done => Ok(done?),
    }
}

/// Whether a statement fails however often it is run: it breaks a rule of the tables, or holds
/// what Postgres cannot (class 22), such as a text with a zero in it.
pub(crate) fn is_for_good(error: &dyn DatabaseError) -> bool {
    !matches!(error.kind(), ErrorKind::Other)
        || error.code().is_some_and(|code| code.len() == 5 && code.starts_with("22"))
}

/// A number of ours for a signed column.
pub(crate) fn signed(n: u64) -> Result<i64, MetadataError> {
    i64::try_from(n).map_err(|_| refused(format_args!("{n} is out of range")))
}

/// What a statement takes as one text.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, MetadataError> {
    serde_json::to_string(value).map_err(refused)
}

pub(crate) fn refused(why: impl std::fmt::Display) -> MetadataError {
    MetadataError::Corrupt(format!("a change was refused: {why}"))
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
