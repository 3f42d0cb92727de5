//! Connections to Postgres that are kept.
//!
//! A connection is kept once its transaction is committed, and at no other time. Whatever fails,
//! or is given up in the middle, drops it: the server rolls back what was begun, and nobody waits
//! for a connection that may never answer again, as a pool does that tries it before it takes it
//! back.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a kept connection may take to begin a transaction before it is taken for dead.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// At most so many connections as there are turns.
pub(crate) struct Connections {
    options: PgConnectOptions,
    turns: Arc<Semaphore>,
    most: u32,
    kept: Mutex<Vec<PgConnection>>,
}

impl Connections {
    pub(crate) fn new(options: PgConnectOptions, most: u32) -> Arc<Self> {
        let turns = Arc::new(Semaphore::new(most as usize));
        Arc::new(Connections { options, turns, most, kept: Mutex::default() })
    }

    /// Begins a transaction by the statement given.
    pub(crate) async fn begin(self: &Arc<Self>, sql: &'static str) -> Result<Session> {
        let turn = self.turns.clone().acquire_owned().await;
        let turn = turn.map_err(|_| sqlx::Error::PoolClosed)?;
        let session = |connection| Session { connection, home: self.clone(), _turn: turn };
        // One that was kept may have died since. Nothing was asked of it yet, so another will do.
        while let Some(mut connection) = self.pop() {
            let begun = timeout(SIGN_OF_LIFE, connection.execute(sqlx::raw_sql(sql))).await;
            if let Ok(Ok(_)) = begun {
                return Ok(session(connection));
            }
        }
        let mut connection = PgConnection::connect_with(&self.options).await?;
        connection.execute(sqlx::raw_sql(sql)).await?;
        Ok(session(connection))
    }

    fn pop(&self) -> Option<PgConnection> {
        self.kept.lock().pop()
    }

    /// Waits for what runs, then closes.
    pub(crate) async fn close(&self) {
        let all = self.turns.acquire_many(self.most).await;
        self.turns.close();
        drop(all);
        while let Some(connection) = self.pop() {
            // Nothing hangs on it: the server sees that it is closed anyway.
            let _ = connection.close().await;
        }
    }
}

/// A transaction that was begun.
pub(crate) struct Session {
    pub(crate) connection: PgConnection,
    home: Arc<Connections>,
    _turn: OwnedSemaphorePermit,
}

impl Session {
    pub(crate) async fn commit(mut self) -> Result<()> {
        self.connection.execute(sqlx::raw_sql("COMMIT")).await?;
        self.home.kept.lock().push(self.connection);
        Ok(())
    }
}
