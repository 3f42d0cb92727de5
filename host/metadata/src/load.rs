//! Reading the metadata.

use ringwright_model::{Attributes, ClusterConfig, Replica, Server, Shard};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::{SqliteConnection, SqlitePool};

use crate::{Charge, MetadataError, Remembered, RingPoint};

pub(crate) async fn charge(readers: &SqlitePool) -> Result<Charge, MetadataError> {
    let (epoch, holder, beat, released): (i64, String, i64, bool) =
        sqlx::query_as("SELECT epoch, holder, beat, released FROM charge")
            .fetch_one(readers)
            .await?;
    Ok(Charge { epoch: unsigned(epoch)?, holder, beat: unsigned(beat)?, released })
}

/// The whole configuration, as one snapshot where `tx` is one.
pub(crate) async fn config(tx: &mut SqliteConnection) -> Result<ClusterConfig, MetadataError> {
    type Text = Option<String>;
    type Configuration = (String, Text, Text, String, Text, Text);
    let (id, protocol, schema, sharding, hash_plugin, placement_plugin): Configuration =
        sqlx::query_as(
            "SELECT cluster_id, protocol, table_schema, sharding, hash_plugin, placement_plugin
         FROM configuration",
        )
        .fetch_one(&mut *tx)
        .await?;
    let shards: Vec<(String, i64, i64, i64)> =
        sqlx::query_as("SELECT id, low, size, valid_at FROM shard_t ORDER BY position")
            .fetch_all(&mut *tx)
            .await?;
    let servers: Vec<(i64, String, Option<String>, i64, String)> = sqlx::query_as(
        "SELECT id, name, incarnation, weight, labels FROM server ORDER BY position",
    )
    .fetch_all(&mut *tx)
    .await?;
    let replicas: Vec<(String, String, String)> =
        sqlx::query_as("SELECT shard, server, state FROM map_t ORDER BY shard, server")
            .fetch_all(&mut *tx)
            .await?;
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

pub(crate) async fn ring(readers: &SqlitePool) -> Result<Vec<RingPoint>, MetadataError> {
    let points: Vec<(i64, i64, String)> =
        sqlx::query_as("SELECT slot, virtual_node, server FROM ring ORDER BY slot")
            .fetch_all(readers)
            .await?;
    all(points, |(slot, virtual_node, server)| {
        Ok(RingPoint { slot: unsigned(slot)?, virtual_node: unsigned(virtual_node)?, server })
    })
}

pub(crate) async fn remembered(
    readers: &SqlitePool,
    key: &str,
) -> Result<Option<Remembered>, MetadataError> {
    let found: Option<(String, String)> =
        sqlx::query_as("SELECT fingerprint, answer FROM remembered WHERE key = $1")
            .bind(key)
            .fetch_optional(readers)
            .await?;
    Ok(found.map(|(fingerprint, answer)| Remembered { fingerprint, answer }))
}

/// A number of ours out of a signed column.
pub(crate) fn unsigned<T: TryFrom<i64>>(n: i64) -> Result<T, MetadataError> {
    T::try_from(n).map_err(|_| corrupt(format_args!("{n} is out of range")))
}

fn from_json<T: DeserializeOwned>(json: String) -> Result<T, MetadataError> {
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
