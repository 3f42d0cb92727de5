//! Connections to a Postgres that are kept.
//!
//! A connection is kept once its transaction or query is ended in good order, and at no other
//! time. Whatever fails, or is given up in the middle, drops it: the server rolls back what was begun, and nobody waits
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

/// Connections to one database, each for one transaction at a time.
pub struct Connections {
    options: PgConnectOptions,
    turns: Arc<Semaphore>,
    most: u32,
    kept: Mutex<Vec<PgConnection>>,
}

impl Connections {
    /// At most so many; they are opened one by one as needed.
    pub fn new(options: PgConnectOptions, most: u32) -> Arc<Self> {
        let turns = Arc::new(Semaphore::new(most as usize));
        Arc::new(Connections { options, turns, most, kept: Mutex::default() })
    }

    /// Begins a transaction by the statement given, once there is a turn. Whoever calls sets the
    /// limit.
    ///
    /// # Errors
    /// Where no connection can be opened, or the database refuses the statement.
    pub async fn begin(self: &Arc<Self>, sql: &'static str) -> Result<Session> {
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

    /// Lends a connection for one query outside of any transaction, once there is a turn.
    ///
    /// # Errors
    /// Where no connection can be opened.
    pub async fn lend(self: &Arc<Self>) -> Result<Lent> {
        let turn = self.turns.clone().acquire_owned().await;
        let turn = turn.map_err(|_| sqlx::Error::PoolClosed)?;
        let (connection, was_kept) = match self.pop() {
            Some(connection) => (connection, true),
            None => (PgConnection::connect_with(&self.options).await?, false),
        };
        Ok(Lent { session: Session { connection, home: self.clone(), _turn: turn }, was_kept })
    }

    fn pop(&self) -> Option<PgConnection> {
        self.kept.lock().pop()
    }

    /// Waits for what runs, then closes.
    pub async fn close(&self) {
        let all = self.turns.acquire_many(self.most).await;
        self.turns.close();
        drop(all);
        while let Some(connection) = self.pop() {
            // Nothing hangs on it: the server sees that it is closed anyway.
            let _ = connection.close().await;
        }
    }
}

/// A connection that was lent.
pub struct Lent {
    /// What is to be kept once the query has been answered.
    pub session: Session,
    /// Whether it is one that was kept: it may have died since, and nobody has seen it.
    pub was_kept: bool,
}

/// A transaction that was begun, or a query's connection. Dropped, it takes its connection along.
pub struct Session {
    /// What it is begun on.
    pub connection: PgConnection,
    home: Arc<Connections>,
    _turn: OwnedSemaphorePermit,
}

impl Session {
    /// Ends it with what was done.
    ///
    /// # Errors
    /// What the database said; what was done may stay or not.
    pub async fn commit(self) -> Result<()> {
        self.end("COMMIT").await
    }

    /// Ends it without what was done.
    ///
    /// # Errors
    /// What the database said; nothing that was done stays.
    pub async fn rollback(self) -> Result<()> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, how: &'static str) -> Result<()> {
        self.connection.execute(sqlx::raw_sql(how)).await?;
        self.keep();
        Ok(())
    }

    /// Keeps the connection, in which no transaction is open.
    pub fn keep(self) {
        self.home.kept.lock().push(self.connection);
    }
}
