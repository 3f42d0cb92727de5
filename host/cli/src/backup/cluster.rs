//! A cluster as `/init` makes it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use ringwright_model::{Key, Schema, Sharding};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The table, its shards, and the servers that hold them.
#[derive(Serialize, Deserialize)]
pub struct Cluster {
    /// The table.
    pub schema: Schema,
    sharding: Sharding,
    shards: Vec<Map<String, Value>>,
    servers: BTreeMap<String, Vec<String>>,
    weights: BTreeMap<String, Value>,
    labels: BTreeMap<String, Value>,
}

impl Cluster {
    /// What `/status` tells of it; `None` where there is none yet.
    ///
    /// # Errors
    /// Where this is no status.
    pub fn of(status: &Value) -> Result<Option<Self>> {
        if status["schema"].is_null() {
            return Ok(None);
        }
        let cluster = Cluster::deserialize(status);
        let mut cluster = cluster.context("/status did not answer as a balancer does")?;
        for shard in &mut cluster.shards {
            shard.remove("valid_at");
        }
        Ok(Some(cluster))
    }

    /// The payload of `/init`: the servers by name, or as many for the placement policy to fill.
    ///
    /// # Errors
    /// Never: all of it is JSON.
    pub fn payload(&self, place: bool) -> Result<Value> {
        let mut payload = serde_json::to_value(self)?;
        if place && let Some(fields) = payload.as_object_mut() {
            for named in ["servers", "weights", "labels"] {
                fields.remove(named);
            }
            fields.insert("N".into(), json!(self.servers.len()));
        }
        Ok(payload)
    }

    /// Checks that this cluster's table is another's.
    ///
    /// # Errors
    /// Where it is not.
    pub fn check_schema(&self, dumped: &Schema) -> Result<()> {
        let spell = |schema: &Schema| {
            let columns = schema.columns.iter().zip(&schema.dtypes);
            let spelled = columns.map(|(name, dtype)| format!("{name} {dtype:?}"));
            spelled.collect::<Vec<_>>().join(", ")
        };
        ensure!(
            self.schema == *dumped,
            "the dump is of a table ({}), the balancer has a table ({}): restore to a balancer \
             with the same columns and dtypes, or with no table yet",
            spell(dumped),
            spell(&self.schema)
        );
        Ok(())
    }

    /// The keys that its shards hold.
    ///
    /// # Errors
    /// Where a shard has no range though it needs one.
    pub fn keys(&self) -> Result<Keys> {
        if self.sharding == Sharding::Modulo {
            return Ok(Keys(BTreeMap::from([(0, Key::MAX)])));
        }
        let low = format!("{}_low", self.schema.key_column().to_ascii_lowercase());
        let range = |shard: &Map<String, Value>| {
            let low = shard.get(&low)?.as_i64()?;
            let size = shard.get("shard_size")?.as_u64()?;
            Some((low, low.saturating_add_unsigned(size.saturating_sub(1))))
        };
        let ranges: Option<_> = self.shards.iter().map(range).collect();
        ranges.map(Keys).with_context(|| format!("a shard is without '{low}' or 'shard_size'"))
    }
}

/// Ranges of keys, each by its low end: its high one.
pub struct Keys(BTreeMap<Key, Key>);

impl Keys {
    /// Whether a key is in one of them.
    pub fn contain(&self, key: Key) -> bool {
        self.0.range(..=key).next_back().is_some_and(|(_, high)| key <= *high)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    fn cluster(sharding: &str) -> Cluster {
        let status = json!({
            "N": 1, "sharding": sharding,
            "schema": {"columns": ["Id"], "dtypes": ["Number"]},
            "shards": [{"id_low": 20, "shard_id": "b", "shard_size": 5, "valid_at": 7},
                {"id_low": 0, "shard_id": "a", "shard_size": 10, "valid_at": 7}],
            "servers": {"S": ["a", "b"]}, "weights": {"S": 2}, "labels": {"S": {"zone": "x"}},
        });
        Cluster::of(&status).unwrap().unwrap()
    }

    #[test]
    fn keys_are_those_of_the_shards() {
        let keys = cluster("range").keys().unwrap();
        let held = [0, 9, 20, 24];
        assert!(held.iter().all(|key| keys.contain(*key)));
        assert!(![10, 19, 25, Key::MAX].iter().any(|key| keys.contain(*key)));
        assert!(cluster("modulo").keys().unwrap().contain(Key::MAX));
    }

    #[test]
    fn init_gets_the_servers_or_their_number() {
        let as_it_was = cluster("range").payload(false).unwrap();
        assert_eq!(as_it_was["weights"], json!({"S": 2}));
        assert_eq!(as_it_was["shards"][1], json!({"id_low": 0, "shard_id": "a", "shard_size": 10}));
        let placed = cluster("range").payload(true).unwrap();
        assert_eq!((&placed["N"], &placed["servers"]), (&json!(1), &Value::Null));
    }

    #[test]
    fn without_a_table_there_is_none() {
        assert!(Cluster::of(&json!({"schema": null})).unwrap().is_none());
        assert!(Cluster::of(&json!({"schema": "?"})).is_err());
    }
}
