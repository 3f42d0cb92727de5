//! A store in a place of its own, and short words for changes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use ringwright_metadata::{Change, MetadataError, MetadataStore, SqlStore};
use ringwright_model::{Attributes, Epoch, Event, EventId, EventKind, ReplicaState, Server, Shard};
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::cluster::Cluster;

/// An empty place for the metadata of one cluster.
#[derive(Clone)]
pub enum Home {
    Sqlite(Arc<TempDir>),
    /// A database of a Postgres, by its URL.
    Postgres(Arc<Cluster>, String),
}

impl Home {
    pub fn sqlite() -> Self {
        Home::Sqlite(Arc::new(tempfile::tempdir().unwrap()))
    }

    pub async fn postgres(cluster: &Arc<Cluster>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("home_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        Home::Postgres(cluster.clone(), cluster.database(&name).await)
    }

    /// Another empty one of the same kind.
    pub async fn another(&self) -> Self {
        match self {
            Home::Sqlite(_) => Home::sqlite(),
            Home::Postgres(cluster, _) => Home::postgres(cluster).await,
        }
    }

    pub async fn open(&self) -> SqlStore {
        self.try_open().await.unwrap()
    }

    pub async fn try_open(&self) -> Result<SqlStore, MetadataError> {
        match self {
            Home::Sqlite(dir) => SqlStore::open_sqlite(file(dir)).await,
            Home::Postgres(_, url) => SqlStore::open_postgres(url, None).await,
        }
    }

    /// For what the interface does not offer.
    pub async fn sql(&self, statement: &'static str) {
        let statement = sqlx::raw_sql(statement);
        match self {
            Home::Sqlite(dir) => {
                let options = SqliteConnectOptions::new().filename(file(dir));
                let options = options.create_if_missing(true);
                let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
                statement.execute(&mut connection).await.unwrap();
            }
            Home::Postgres(_, url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                statement.execute(&mut connection).await.unwrap();
            }
        }
    }

    /// Has the database say it has another layout.
    pub async fn set_layout(&self, layout: u8) {
        let on_postgres = matches!(self, Home::Postgres(..));
        self.sql(match (on_postgres, layout) {
            (false, 2) => "PRAGMA user_version = 2",
            (false, 3) => "PRAGMA user_version = 3",
            (false, 4) => "PRAGMA user_version = 4",
            (false, _) => "PRAGMA user_version = 5",
            (true, 2) => "UPDATE layout SET version = 2",
            (true, 3) => "UPDATE layout SET version = 3",
            (true, 4) => "UPDATE layout SET version = 4",
            (true, _) => "UPDATE layout SET version = 5",
        })
        .await;
    }
}

fn file(dir: &TempDir) -> PathBuf {
    dir.path().join("metadata.sqlite")
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

/// How long a charge lasts that is taken.
pub const TERM: Duration = Duration::from_millis(4001);

/// Takes charge, whoever has it.
pub async fn take(store: &SqlStore, holder: &str) -> Epoch {
    loop {
        let seen = store.charge().await.unwrap();
        if let Some(epoch) = store.take_charge(holder, TERM, &seen).await.unwrap() {
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

/// An event about a shard, as far from 1970 as its number says.
pub fn event(id: EventId) -> Event {
    let details = [("versions".to_owned(), json!(7)), ("error".to_owned(), json!("it's \"so\""))];
    Event {
        id,
        time: SystemTime::UNIX_EPOCH + Duration::from_millis(id),
        kind: EventKind::CopyFailed,
        server: None,
        shard: Some("s1".into()),
        plugin: None,
        message: format!("event {id}"),
        details: details.into_iter().collect(),
    }
}
