//! Where a case runs: a database of its own, opened as often as the case likes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringwright_shard_server::{Storage, router};
use ringwright_wire::{HttpShardServer, ShardServer};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;

pub struct Place {
    kind: Kind,
    open: Mutex<Vec<Storage>>,
}

enum Kind {
    Sqlite(TempDir),
    Http(TempDir),
    Postgres(Box<PgConnectOptions>),
}

impl Place {
    fn new(kind: Kind) -> Self {
        Place { kind, open: Mutex::default() }
    }

    pub fn sqlite() -> Self {
        Self::new(Kind::Sqlite(TempDir::new().unwrap()))
    }

    pub fn http() -> Self {
        Self::new(Kind::Http(TempDir::new().unwrap()))
    }

    pub fn postgres(options: PgConnectOptions) -> Self {
        Self::new(Kind::Postgres(Box::new(options)))
    }

    /// Opens the database; whoever had it open before loses it.
    pub async fn open(&self) -> Arc<dyn ShardServer> {
        let before = std::mem::take(&mut *self.open.lock().unwrap());
        for storage in before {
            storage.close().await;
        }
        let storage = match &self.kind {
            Kind::Sqlite(dir) | Kind::Http(dir) => {
                Storage::open_sqlite(dir.path().join("data.sqlite")).await.unwrap()
            }
            Kind::Postgres(options) => {
                Storage::open_postgres(options.as_ref().clone()).await.unwrap()
            }
        };
        self.open.lock().unwrap().push(storage.clone());
        match self.kind {
            Kind::Http(_) => {
                let address = serve(storage).await;
                Arc::new(HttpShardServer::new(&address, Duration::from_secs(20)))
            }
            _ => Arc::new(storage),
        }
    }

    /// How many row versions the database has, seen from outside.
    pub async fn versions(&self) -> i64 {
        let sql = "SELECT COUNT(*) FROM row_version";
        match &self.kind {
            Kind::Sqlite(dir) | Kind::Http(dir) => {
                let url = format!("sqlite:{}", dir.path().join("data.sqlite").display());
                let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
            }
            Kind::Postgres(options) => {
                let mut connection = options.connect().await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
            }
        }
    }
}

/// Serves a storage on a free port.
pub async fn serve(storage: Storage) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let app = router("Server0", storage);
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}
