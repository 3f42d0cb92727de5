//! What each replica has, asked of its server alone.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use hyper::{Method, Request};
use serde_json::{Value, json};

use crate::{Cluster, Connection, status};

/// The replicas of a cluster.
pub struct Replicas<'a> {
    cluster: &'a Cluster,
    secret: String,
    epoch: Value,
    shards: Vec<Value>,
    /// The server and the shard of each.
    holds: Vec<(String, String)>,
}

impl<'a> Replicas<'a> {
    /// Those there are now.
    ///
    /// # Errors
    /// Where the balancer does not answer.
    pub async fn of(cluster: &'a Cluster) -> Result<Self> {
        let mut status = status(cluster.address()).await?;
        let replicas = status["replicas"].as_array().context("no replicas")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let holds = replicas.iter().map(|r| (text(&r["server"]), text(&r["shard_id"]))).collect();
        let shards = status["shards"].as_array().cloned().unwrap_or_default();
        let (secret, epoch) = (cluster.secret()?, status["epoch"].take());
        Ok(Replicas { cluster, secret, epoch, shards, holds })
    }

    /// Each replica's server and shard, and which of these keys it lacks of those that are its.
    ///
    /// # Errors
    /// Where a server does not answer.
    pub async fn lacking(&self, keys: &BTreeSet<u64>) -> Result<Vec<(String, String, Vec<u64>)>> {
        let mut all = Vec::new();
        for (server, id) in &self.holds {
            let shard = self.shard(id)?;
            let low = shard["stud_id_low"].as_u64().context("stud_id_low")?;
            let high = low + shard["shard_size"].as_u64().context("shard_size")? - 1;
            let found = self.keys(server, id, (low, high), 0).await?;
            let lacks = keys.range(low..=high).filter(|key| !found.contains(key));
            all.push((server.clone(), id.clone(), lacks.copied().collect()));
        }
        Ok(all)
    }

    /// The keys of a range that a server shows, `beyond` terms after the one that is committed:
    /// at 0 what a read may see, at 1 also a write under way.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn keys(
        &self,
        server: &str,
        shard: &str,
        (low, high): (u64, u64),
        beyond: u64,
    ) -> Result<BTreeSet<u64>> {
        let vat = self.shard(shard)?["valid_at"].as_u64().context("valid_at")? + beyond;
        let address = self.cluster.server_address(server)?;
        let connection = Connection::open(&address).await?;
        let mut connection = connection.with_token(Some(self.secret.clone()));
        let beat = connection.ask(Request::get("/heartbeat"), String::new()).await?;
        let incarnation = beat.headers.get("x-ringwright-incarnation");
        let incarnation = incarnation.context("no incarnation")?.to_str()?;
        // The message that the balancer itself reads with.
        let query = json!({"shard": shard, "low": low, "high": high, "vat": vat});
        let stamp = json!({"epoch": self.epoch, "incarnation": incarnation});
        let read = json!({"stamp": stamp, "queries": [query]}).to_string();
        let answer = connection.send(Method::POST, "/internal/read", read).await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        if beyond > 0 && answer["results"][0] == "not_held" {
            return Ok(BTreeSet::new()); // it has not heard of such a term
        }
        let rows = answer["results"][0]["rows"].as_array();
        let rows = rows.with_context(|| format!("{server}: {answer}"))?;
        Ok(rows.iter().filter_map(|row| row[0].as_u64()).collect())
    }

    fn shard(&self, id: &str) -> Result<&Value> {
        self.shards.iter().find(|s| s["shard_id"] == id).with_context(|| format!("no shard '{id}'"))
    }
}
