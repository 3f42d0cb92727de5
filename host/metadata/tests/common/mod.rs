//! A store in a folder of its own, and short words for changes.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::PathBuf;

use ringwright_metadata::{Change, MetadataError, MetadataStore, SqlStore};
use ringwright_model::{Attributes, Epoch, ReplicaState, Server, Shard};
use tempfile::TempDir;

pub struct Home(TempDir);

impl Home {
    pub fn new() -> Self {
        Home(tempfile::tempdir().unwrap())
    }

    pub fn file(&self) -> PathBuf {
        self.0.path().join("metadata.sqlite")
    }

    pub async fn open(&self) -> SqlStore {
        SqlStore::open_sqlite(self.file()).await.unwrap()
    }

    /// For what the interface does not offer.
    pub async fn sql(&self, statement: &'static str) {
        let options =
            sqlx::sqlite::SqliteConnectOptions::new().filename(self.file()).create_if_missing(true);
        let mut connection =
            <sqlx::SqliteConnection as sqlx::Connection>::connect_with(&options).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    }
}

/// A store with shards s1, s2 and servers a, b; every replica is in sync. The epoch is 1.
pub async fn small(home: &Home) -> SqlStore {
    let store = home.open().await;
    assert_eq!(take(&store, "me").await, 1);
    let mut changes = vec![
        add_shard("s1", 0, 0),
        add_shard("s2", 4096, 0),
        put_server(1, "a", Some("a1")),
        put_server(2, "b", None),
    ];
    for shard in ["s1", "s2"] {
        changes.extend(["a", "b"].map(|server| put_replica(shard, server, ReplicaState::InSync)));
    }
    store.apply(1, &changes).await.unwrap();
    store
}

/// Takes charge, whoever has it.
pub async fn take(store: &SqlStore, holder: &str) -> Epoch {
    loop {
        let seen = store.charge().await.unwrap();
        if let Some(epoch) = store.take_charge(holder, &seen).await.unwrap() {
            return epoch;
        }
    }
}

pub fn shard(id: &str, low: i64, valid_at: u64) -> Shard {
    Shard { id: id.into(), low, size: 4096, valid_at }
}

pub fn add_shard(id: &str, low: i64, valid_at: u64) -> Change {
    Change::AddShard(shard(id, low, valid_at))
}

pub fn server(id: u32, name: &str, incarnation: Option<&str>) -> Server {
    let incarnation = incarnation.map(str::to_owned);
    Server { id, name: name.into(), incarnation, attributes: Attributes::default() }
}

pub fn put_server(id: u32, name: &str, incarnation: Option<&str>) -> Change {
    Change::PutServer(server(id, name, incarnation))
}

pub fn put_replica(shard: &str, server: &str, state: ReplicaState) -> Change {
    Change::PutReplica { shard: shard.into(), server: server.into(), state }
}

pub fn raise(shard: &str, vat: u64) -> Change {
    Change::RaiseVat { shard: shard.into(), vat }
}

pub fn remember(key: &str, answer: &str) -> Change {
    Change::Remember { key: key.into(), fingerprint: "f".into(), answer: answer.into() }
}

pub async fn vats(store: &SqlStore) -> Vec<u64> {
    store.load().await.unwrap().shards.iter().map(|s| s.valid_at).collect()
}

pub async fn answer(store: &SqlStore, key: &str) -> Option<String> {
    store.remembered(key).await.unwrap().map(|r| r.answer)
}

pub fn is_lost(result: Result<(), MetadataError>) -> bool {
    matches!(result, Err(MetadataError::ChargeLost { .. }))
}
