//! The statements that change the metadata, in words SQLite and Postgres share.
//!
//! Each can be run twice: what is there already is left as it is.

use ringwright_model::{
    Attributes, Choice, Protocol, ReplicaState, Schema, Server, Shard, Sharding,
};

use crate::apply::{json, signed};
use crate::query::{Query, query};
use crate::{MetadataError, RingPoint};

pub(crate) fn set_protocol(protocol: Protocol) -> Result<Query, MetadataError> {
    Ok(query("UPDATE configuration SET protocol = $1").bind(word(json(&protocol)?)))
}

pub(crate) fn set_schema(schema: &Schema, sharding: Sharding) -> Result<Query, MetadataError> {
    Ok(query("UPDATE configuration SET table_schema = $1, sharding = $2")
        .bind(json(schema)?)
        .bind(word(json(&sharding)?)))
}

/// Touches no row where a shard of that name has other keys, or is not as far.
pub(crate) fn add_shard(shard: &Shard) -> Result<Query, MetadataError> {
    const ADD: &str = "
        INSERT INTO shard_t (position, id, low, size, valid_at)
        VALUES ((SELECT COALESCE(MAX(position), 0) + 1 FROM shard_t), $1, $2, $3, $4)
        ON CONFLICT (id) DO UPDATE SET low = excluded.low
        WHERE shard_t.low = excluded.low AND shard_t.size = excluded.size
          AND shard_t.valid_at >= excluded.valid_at";
    Ok(query(ADD)
        .bind(shard.id.clone())
        .bind(shard.low)
        // As many as 2^63 keys fit a shard; the column keeps the bits.
        .bind(shard.size.cast_signed())
        .bind(signed(shard.valid_at)?))
}

/// Takes a list of shards and VATs.
pub(crate) fn raise_vats(list: &str) -> Query {
    const RAISE: &str = "
        UPDATE shard_t SET valid_at = CASE WHEN vat > valid_at THEN vat ELSE valid_at END
        FROM (
            SELECT value->>0 AS shard, CAST(value->>1 AS BIGINT) AS vat FROM json_each($1)
        ) AS raised
        WHERE id = shard";
    query(RAISE).bind(list.to_owned())
}

/// Those of the same list that there are not.
pub(crate) fn unknown_shards(list: String) -> Query {
    const UNKNOWN: &str = "
        SELECT value->>0 FROM json_each($1) WHERE value->>0 NOT IN (SELECT id FROM shard_t)";
    query(UNKNOWN).bind(list)
}

/// Touches no row where the server of that name has another number.
pub(crate) fn put_server(server: &Server) -> Result<Query, MetadataError> {
    const PUT: &str = "
        INSERT INTO server (position, id, name, incarnation, weight, labels)
        VALUES ((SELECT COALESCE(MAX(position), 0) + 1 FROM server), $1, $2, $3, $4, $5)
        ON CONFLICT (name) DO UPDATE SET incarnation = excluded.incarnation
        WHERE server.id = excluded.id";
    Ok(query(PUT)
        .bind(i64::from(server.id))
        .bind(server.name.clone())
        .bind(server.incarnation.clone())
        .bind(i64::from(server.attributes.weight))
        .bind(json(&server.attributes.labels)?))
}

/// Touches no row where there is no such server.
pub(crate) fn set_attributes(
    server: &str,
    attributes: &Attributes,
) -> Result<Query, MetadataError> {
    Ok(query("UPDATE server SET weight = $2, labels = $3 WHERE name = $1")
        .bind(server.to_owned())
        .bind(i64::from(attributes.weight))
        .bind(json(&attributes.labels)?))
}

/// MapT's rows of it go with it.
pub(crate) fn remove_server(name: &str) -> Query {
    query("DELETE FROM server WHERE name = $1").bind(name.to_owned())
}

pub(crate) fn put_replica(
    shard: &str,
    server: &str,
    state: ReplicaState,
) -> Result<Query, MetadataError> {
    const PUT: &str = "
        INSERT INTO map_t (shard, server, state) VALUES ($1, $2, $3)
        ON CONFLICT (shard, server) DO UPDATE SET state = excluded.state";
    Ok(query(PUT).bind(shard.to_owned()).bind(server.to_owned()).bind(word(json(&state)?)))
}

pub(crate) fn remove_replica(shard: &str, server: &str) -> Query {
    query("DELETE FROM map_t WHERE shard = $1 AND server = $2")
        .bind(shard.to_owned())
        .bind(server.to_owned())
}

pub(crate) fn clear_ring() -> Query {
    query("DELETE FROM ring")
}

pub(crate) fn put_ring(points: &[RingPoint]) -> Result<Query, MetadataError> {
    const PUT: &str = "
        INSERT INTO ring (slot, virtual_node, server)
        SELECT CAST(value->>0 AS BIGINT), CAST(value->>1 AS BIGINT), value->>2
        FROM json_each($1)";
    let list: Vec<_> = points.iter().map(|p| (p.slot, p.virtual_node, &p.server)).collect();
    Ok(query(PUT).bind(json(&list)?))
}

pub(crate) fn set_hash_plugin(choice: &Choice) -> Result<Query, MetadataError> {
    Ok(query("UPDATE configuration SET hash_plugin = $1").bind(json(choice)?))
}

pub(crate) fn set_placement_plugin(choice: &Choice) -> Result<Query, MetadataError> {
    Ok(query("UPDATE configuration SET placement_plugin = $1").bind(json(choice)?))
}

/// Takes keys, fingerprints and answers; the first of a key stays.
pub(crate) fn remember(answers: &[(&str, &str, &str)], now: i64) -> Result<Query, MetadataError> {
    const REMEMBER: &str = "
        INSERT INTO remembered (key, fingerprint, answer, at)
        SELECT value->>0, value->>1, value->>2, $2 FROM json_each($1) WHERE TRUE
        ON CONFLICT (key) DO NOTHING";
    Ok(query(REMEMBER).bind(json(answers)?).bind(now))
}

pub(crate) fn forget(now: i64, older_than_s: u64) -> Query {
    let age = i64::try_from(older_than_s).unwrap_or(i64::MAX);
    query("DELETE FROM remembered WHERE at < $1").bind(now.saturating_sub(age))
}

/// The plain word out of what serde writes as a JSON string.
fn word(json: String) -> String {
    json.trim_matches('"').to_owned()
}
