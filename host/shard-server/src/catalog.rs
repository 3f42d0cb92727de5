//! What a server knows of itself: its incarnation and epoch, and the state of each shard.
//!
//! Loaded at the start of a transaction and written back at its end, so that a request is
//! checked against exactly what it changes.

use std::collections::{BTreeMap, BTreeSet};

use ringwright_model::{Epoch, NEVER, Term};
use ringwright_wire::{Stamp, WireError};
use serde::{Deserialize, Serialize};

use crate::database::{Arg, Transaction, list, storage};

/// A shard's state; its row versions carry its number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shard {
    /// Names its rows. A shard that starts over gets another one, and the old rows are garbage.
    pub(crate) number: i64,
    /// Committed up to here, as far as it was told; `None` while a copy is unfinished.
    pub(crate) held: Option<Term>,
    /// Complete up to here: what it was never sent, it cannot hold in sync or answer.
    pub(crate) reach: Term,
    /// No version here carries a higher term (NEVER aside), so nothing beyond needs undoing.
    pub(crate) top: Term,
    /// The highest VAT a batch or an assignment came with.
    pub(crate) vat_seen: Term,
    /// The last batch at that VAT, in this epoch; 0 before the first.
    pub(crate) last_round: u64,
    /// Versions deleted at or before this term may be gone.
    pub(crate) safe_point: Term,
    /// Whether a join is under way.
    pub(crate) joining: bool,
    /// The latest attempt to join in this epoch, or the assignment that created it, by number:
    /// what was decided before that comes late.
    pub(crate) join: Option<u64>,
    /// Its next page.
    pub(crate) page: u64,
    /// Algorithm 1's `currentTerm`.
    pub(crate) paper_term: Term,
}

/// The state of the server and of its shards.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Catalog {
    pub(crate) incarnation: String,
    /// The cluster it belongs to, once a balancer has adopted it.
    pub(crate) cluster: Option<String>,
    pub(crate) epoch: Epoch,
    /// The schema `/config` gave, as JSON.
    pub(crate) schema: Option<String>,
    pub(crate) shards: BTreeMap<String, Shard>,
    next_number: i64,
}

/// The server's row, beside each shard's; one row without a shard where there is none.
pub(crate) type Line =
    (String, Option<String>, i64, i64, Option<String>, Option<String>, Option<String>);

impl Catalog {
    /// Loads all of it; draws the incarnation of a database that is new.
    pub(crate) async fn load_or_create(tx: &mut Transaction) -> Result<Self, WireError> {
        let incarnation = format!("{:032x}", rand::random::<u128>());
        tx.execute(
            "INSERT INTO server_state (id, incarnation, epoch, next_number)
             VALUES (1, $1, 0, 1) ON CONFLICT (id) DO NOTHING",
            &[incarnation.as_str().into()],
        )
        .await?;
        Self::load(tx).await
    }

    /// Loads all of it.
    pub(crate) async fn load(tx: &mut Transaction) -> Result<Self, WireError> {
        let sql =
            "SELECT incarnation, cluster, epoch, next_number, table_schema, shard.id, shard.state
                   FROM server_state LEFT JOIN shard ON true";
        Self::decode(tx.rows(sql, &[]).await?)
    }

    /// Loads some shards only.
    pub(crate) async fn load_some(
        tx: &mut Transaction,
        shards: &BTreeSet<[&str; 1]>,
    ) -> Result<Self, WireError> {
        let sql =
            "SELECT incarnation, cluster, epoch, next_number, table_schema, shard.id, shard.state
                   FROM server_state LEFT JOIN shard
                   ON shard.id IN (SELECT value->>0 FROM json_each($1))";
        let ids = serde_json::to_string(shards).map_err(storage)?;
        Self::decode(tx.rows(sql, &[ids.as_str().into()]).await?)
    }

    /// Puts it together.
    pub(crate) fn decode(lines: Vec<Line>) -> Result<Self, WireError> {
        let mut catalog: Option<Catalog> = None;
        for (incarnation, cluster, epoch, next_number, schema, id, state) in lines {
            let catalog = catalog.get_or_insert_with(|| Catalog {
                incarnation,
                cluster,
                epoch: epoch.unsigned_abs(),
                schema,
                next_number,
                shards: BTreeMap::new(),
            });
            if let (Some(id), Some(state)) = (id, state) {
                catalog.shards.insert(id, serde_json::from_str(&state).map_err(storage)?);
            }
        }
        catalog.ok_or_else(|| storage("the table server_state is empty"))
    }

    /// Writes back what differs from `before`.
    pub(crate) async fn save(
        &self,
        tx: &mut Transaction,
        before: &Catalog,
    ) -> Result<(), WireError> {
        let server = |c: &Catalog| (c.cluster.clone(), c.epoch, c.next_number, c.schema.clone());
        if server(self) != server(before) {
            tx.execute(
                "UPDATE server_state
                 SET cluster = $1, epoch = $2, next_number = $3, table_schema = $4",
                &[
                    Arg::Maybe(self.cluster.as_deref()),
                    self.epoch.into(),
                    self.next_number.into(),
                    Arg::Maybe(self.schema.as_deref()),
                ],
            )
            .await?;
        }
        let changed: Vec<(&String, String)> = self
            .shards
            .iter()
            .filter(|(id, shard)| before.shards.get(*id) != Some(shard))
            .map(|(id, shard)| Ok((id, serde_json::to_string(shard).map_err(storage)?)))
            .collect::<Result<_, WireError>>()?;
        if !changed.is_empty() {
            tx.execute(
                "INSERT INTO shard (id, state)
                 SELECT value->>0, value->>1 FROM json_each($1) WHERE true
                 ON CONFLICT (id) DO UPDATE SET state = excluded.state",
                &[list(&changed)?.as_str().into()],
            )
            .await?;
        }
        let forgotten: Vec<[&String; 1]> =
            before.shards.keys().filter(|id| !self.shards.contains_key(*id)).map(|i| [i]).collect();
        if !forgotten.is_empty() {
            tx.execute(
                "DELETE FROM shard WHERE id IN (SELECT value->>0 FROM json_each($1))",
                &[list(&forgotten)?.as_str().into()],
            )
            .await?;
        }
        let abandoned = self.abandoned(before);
        if !abandoned.is_empty() {
            tx.execute(
                "INSERT INTO garbage (number)
                 SELECT CAST(value->>0 AS BIGINT) FROM json_each($1)",
                &[list(&abandoned)?.as_str().into()],
            )
            .await?;
        }
        Ok(())
    }

    /// The numbers that named rows since `before` and name none now.
    fn abandoned(&self, before: &Catalog) -> Vec<[i64; 1]> {
        let used: BTreeSet<i64> = self.shards.values().map(|s| s.number).collect();
        let old = before.shards.values().map(|s| s.number);
        let new = before.next_number..self.next_number;
        old.chain(new).filter(|n| !used.contains(n)).map(|n| [n]).collect()
    }

    /// A number no rows carry.
    pub(crate) fn fresh_number(&mut self) -> i64 {
        self.next_number += 1;
        self.next_number - 1
    }

    /// Adds a shard that has no row and has had none, by that assignment where it is one's.
    pub(crate) fn create(&mut self, id: &str, by: Option<u64>) {
        let number = self.fresh_number();
        let shard = Shard { number, held: Some(0), join: by, ..Shard::default() };
        self.shards.insert(id.to_owned(), shard);
    }

    /// Refuses whoever is not in charge, and whoever means another database.
    pub(crate) fn check(&self, stamp: &Stamp) -> Result<(), WireError> {
        if stamp.incarnation != self.incarnation {
            return Err(WireError::Incarnation);
        }
        self.check_epoch(stamp.epoch)
    }

    pub(crate) fn check_epoch(&self, given: Epoch) -> Result<(), WireError> {
        match self.epoch {
            current if current == given => Ok(()),
            current => Err(WireError::Epoch { current, given }),
        }
    }

    /// The shard, where it is held whole.
    pub(crate) fn whole(&self, id: &str) -> Result<&Shard, WireError> {
        self.shards.get(id).filter(|s| s.is_whole()).ok_or_else(|| not_held(id))
    }

    /// The shard to change, where it is held whole.
    pub(crate) fn whole_mut(&mut self, id: &str) -> Result<&mut Shard, WireError> {
        self.shards.get_mut(id).filter(|s| s.is_whole()).ok_or_else(|| not_held(id))
    }
}

impl Shard {
    fn is_whole(&self) -> bool {
        self.held.is_some() && !self.joining
    }
}

pub(crate) fn not_held(shard: &str) -> WireError {
    WireError::NotHeld { shard: shard.to_owned() }
}

pub(crate) fn stale(shard: &str) -> WireError {
    WireError::Stale { shard: shard.to_owned() }
}

pub(crate) fn bad_request(message: impl Into<String>) -> WireError {
    WireError::BadRequest { message: message.into() }
}

/// Refuses what cannot be a term that something was created at.
pub(crate) fn check_term(term: Term) -> Result<(), WireError> {
    // A write gets the next term, an update of Algorithm 1 the one after it.
    if term < NEVER - 2 { Ok(()) } else { Err(bad_request(format!("{term} is no term"))) }
}
