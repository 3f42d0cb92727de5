//! Where a shard server keeps its data, and the Postgres it may run for that.

use std::path::Path;
use std::time::Duration;

use ringwright_postgres::{Postgres, Settings};
use sqlx::postgres::PgConnectOptions;

use crate::database::storage;
use crate::{RunError, Storage};

/// What its Postgres may take to start: longer than whoever started the server waits, who tells
/// how long that is, and long enough to repeat everything after a crash.
const START: Duration = Duration::from_secs(600);

/// What the database may take to end its connections, and its Postgres to end.
const CLOSE: Duration = Duration::from_secs(1);
const STOP: Duration = Duration::from_secs(3);

/// Where a shard server keeps its data.
#[derive(Clone, Debug)]
pub enum Engine {
    /// In the file `data.sqlite` in its folder.
    Sqlite,
    /// In a Postgres of its own, run with these settings.
    Postgres(Box<Settings>),
    /// In the Postgres database of this URL.
    PostgresAt(String),
}

impl Engine {
    /// A Postgres of the server's own, in the folder `postgres` in its folder.
    pub fn own_postgres(data_dir: &Path) -> Settings {
        let dir = data_dir.join("postgres");
        Settings { start_timeout: START, stop_timeout: STOP, ..Settings::new(dir) }
    }

    /// Opens the data in that folder, or where else they are.
    ///
    /// Data of the other engine are not passed over: what a server is thought to have and does
    /// not bring along is taken for lost.
    pub(crate) async fn open(&self, data_dir: &Path) -> Result<Opened, RunError> {
        let (file, dir) = (data_dir.join("data.sqlite"), data_dir.join("postgres"));
        Ok(match self {
            Engine::Sqlite => {
                if dir.exists() && !file.exists() {
                    return Err(RunError::OtherEngine { dir: data_dir.into(), engine: "postgres" });
                }
                Opened { storage: Storage::open_sqlite(file).await?, postgres: None }
            }
            Engine::Postgres(settings) => {
                if file.exists() && !dir.exists() {
                    return Err(RunError::OtherEngine { dir: data_dir.into(), engine: "sqlite" });
                }
                let postgres = Postgres::start(settings.as_ref().clone()).await?;
                let storage = Storage::open_postgres(postgres.options()).await?.kept_in(&dir);
                Opened { storage, postgres: Some(postgres) }
            }
            Engine::PostgresAt(url) => {
                let options: PgConnectOptions = url.parse().map_err(storage)?;
                Opened { storage: Storage::open_postgres(options).await?, postgres: None }
            }
        })
    }
}

/// The storage, and what runs under it.
pub(crate) struct Opened {
    pub(crate) storage: Storage,
    postgres: Option<Postgres>,
}

impl Opened {
    /// Waits until its Postgres has exited; tells how. What is not run here has no end.
    pub(crate) async fn exited(&self) -> String {
        match &self.postgres {
            Some(postgres) => postgres.exited().await,
            None => std::future::pending().await,
        }
    }

    /// Ends it all in good order.
    pub(crate) async fn close(self) -> Result<(), RunError> {
        // Where no Postgres is to be ended after it, it may take as long as that would.
        let limit = if self.postgres.is_some() { CLOSE } else { CLOSE + STOP };
        if tokio::time::timeout(limit, self.storage.close()).await.is_err() {
            tracing::warn!("what is still read or written is given up");
        }
        match self.postgres {
            Some(postgres) => Ok(postgres.stop().await?),
            None => Ok(()),
        }
    }
}
