//! Reading the metadata.

use std::time::Duration;

use ringwright_model::{Attributes, ClusterConfig, Replica, Server, Shard};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::database::Database;
use crate::query::query;
use crate::{Charge, MetadataError, Remembered, RingPoint};

pub(crate) async fn charge(database: &Database) -> Result<Charge, MetadataError> {
    const CHARGE: &str = "SELECT epoch, holder, term_ms, beat, released FROM charge";
    let rows = database.rows(query(CHARGE)).await?;
    let (epoch, holder, term, beat, released): (i64, String, i64, i64, bool) = the_one(rows)?;
    let term = Duration::from_millis(unsigned(term)?);
    Ok(Charge { epoch: unsigned(epoch)?, holder, term, beat: unsigned(beat)?, released })
}

/// The whole configuration.
pub(crate) async fn config(database: &Database) -> Result<ClusterConfig, MetadataError> {
    let mut tx = database.snapshot().await?;
    type Text = Option<String>;
    type Configuration = (String, Text, Text, String, Text, Text);
    const CONFIGURATION: &str = "
        SELECT cluster_id, protocol, table_schema, sharding, hash_plugin, placement_plugin
        FROM configuration";
    let (id, protocol, schema, sharding, hash_plugin, placement_plugin): Configuration =
        the_one(tx.rows(query(CONFIGURATION)).await?)?;
    let shards: Vec<(String, i64, i64, i64)> =
        tx.rows(query("SELECT id, low, size, valid_at FROM shard_t ORDER BY position")).await?;
    const SERVERS: &str =
        "SELECT id, name, incarnation, weight, labels FROM server ORDER BY position";
    let servers: Vec<(i64, String, Option<String>, i64, String)> = tx.rows(query(SERVERS)).await?;
    let mut replicas: Vec<(String, String, String)> =
        tx.rows(query("SELECT shard, server, state FROM map_t")).await?;
    tx.commit().await?;
    replicas.sort(); // here, as each database has its own order of texts
    Ok(ClusterConfig {
        id,
        protocol: protocol.map(from_word).transpose()?,
        schema: schema.map(from_json).transpose()?,
        sharding: from_word(sharding)?,
        shards: all(shards, |(id, low, size, valid_at)| {
            Ok(Shard { id, low, size: size.cast_unsigned(), valid_at: unsigned(valid_at)? })
        })?,
        servers: all(servers, |(id, name, incarnation, weight, labels)| {
            let attributes = Attributes { weight: unsigned(weight)?, labels: from_json(labels)? };
            Ok(Server { id: unsigned(id)?, name, incarnation, attributes })
        })?,
        replicas: all(replicas, |(shard, server, state)| {
            Ok(Replica { shard, server, state: from_word(state)? })
        })?,
        hash_plugin: hash_plugin.map(from_json).transpose()?,
        placement_plugin: placement_plugin.map(from_json).transpose()?,
    })
}

pub(crate) async fn ring(database: &Database) -> Result<Vec<RingPoint>, MetadataError> {
    let points: Vec<(i64, i64, String)> =
        database.rows(query("SELECT slot, virtual_node, server FROM ring ORDER BY slot")).await?;
    all(points, |(slot, virtual_node, server)| {
        Ok(RingPoint { slot: unsigned(slot)?, virtual_node: unsigned(virtual_node)?, server })
    })
}

pub(crate) async fn remembered(
    database: &Database,
    key: &str,
) -> Result<Option<Remembered>, MetadataError> {
    const FIND: &str = "SELECT fingerprint, answer FROM remembered WHERE key = $1";
    let mut found: Vec<(String, String)> = database.rows(query(FIND).bind(key.to_owned())).await?;
    Ok(found.pop().map(|(fingerprint, answer)| Remembered { fingerprint, answer }))
}

/// The row of a table that has one.
fn the_one<T>(mut rows: Vec<T>) -> Result<T, MetadataError> {
    rows.pop().ok_or(MetadataError::Storage(sqlx::Error::RowNotFound))
}

/// A number of ours out of a signed column.
pub(crate) fn unsigned<T: TryFrom<i64>>(n: i64) -> Result<T, MetadataError> {
    T::try_from(n).map_err(|_| corrupt(format_args!("{n} is out of range")))
}

pub(crate) fn from_json<T: DeserializeOwned>(json: String) -> Result<T, MetadataError> {
    serde_json::from_str(&json).map_err(corrupt)
}

/// A plain word for what serde writes as one.
fn from_word<T: DeserializeOwned>(word: String) -> Result<T, MetadataError> {
    serde_json::from_value(Value::String(word)).map_err(corrupt)
}

fn all<R, T>(
    rows: Vec<R>,
    read: impl FnMut(R) -> Result<T, MetadataError>,
) -> Result<Vec<T>, MetadataError> {
    rows.into_iter().map(read).collect()
}

fn corrupt(why: impl std::fmt::Display) -> MetadataError {
    MetadataError::Corrupt(format!("what is stored cannot be read: {why}"))
}
