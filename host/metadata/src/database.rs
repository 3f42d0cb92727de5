//! SQLite and Postgres behind one face.
//!
//! Both take `$1`, `ON CONFLICT` and `UPDATE … FROM`, so every statement is written once. Lists
//! travel as one JSON text, taken apart by SQLite's `json_each`; Postgres is taught a function of
//! that name.

use std::sync::Arc;
use std::time::Duration;

use ringwright_postgres::{Connections, Session};
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Executor, FromRow, Postgres, Result, Sqlite, SqlitePool};
use tokio::time::timeout;

use crate::MetadataError;
use crate::query::{Arg, Query};

/// Longer than any transaction of ours takes: a database that is busy for so long is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Connections that only read.
pub(crate) const READERS: u32 = 4;

/// Where the metadata is: one connection that writes, so that writers wait for each other here
/// rather than in the database, and some that read. Another is the charge's own: it is not lost
/// for a write that waits for an answer. So is one for the events: no commit waits for them.
#[derive(Clone)]
pub(crate) enum Database {
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres {
        writer: Arc<Connections>,
        charge: Arc<Connections>,
        events: Arc<Connections>,
        readers: Arc<Connections>,
    },
}

/// How a transaction that writes begins on Postgres.
const WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

impl Database {
    /// Begins a transaction that may write.
    pub(crate) async fn write(&self) -> Result<Transaction> {
        Ok(match self {
            Database::Sqlite { writer, .. } => {
                Transaction::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?)
            }
            Database::Postgres { writer, .. } => Transaction::Postgres(writer.begin(WRITE).await?),
        })
    }

    /// Begins a transaction about the charge. On SQLite, where there is nobody to wait for, it is
    /// one as any other.
    pub(crate) async fn charge(&self) -> Result<Transaction> {
        match self {
            Database::Sqlite { .. } => self.write().await,
            Database::Postgres { charge, .. } => {
                Ok(Transaction::Postgres(charge.begin(WRITE).await?))
            }
        }
    }

    /// Begins a transaction about the events. On SQLite, where there is one writer, it has its turn
    /// as any other.
    pub(crate) async fn events(&self) -> Result<Transaction> {
        match self {
            Database::Sqlite { .. } => self.write().await,
            Database::Postgres { events, .. } => {
                Ok(Transaction::Postgres(events.begin(WRITE).await?))
            }
        }
    }

    /// Begins a transaction that sees one snapshot and waits for no writer.
    pub(crate) async fn snapshot(&self) -> Result<Transaction> {
        Ok(match self {
            Database::Sqlite { readers, .. } => Transaction::Sqlite(readers.begin().await?),
            Database::Postgres { readers, .. } => Transaction::Postgres(
                readers.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?,
            ),
        })
    }

    /// Runs a query that is a snapshot by itself.
    pub(crate) async fn rows<T: Record>(&self, query: Query) -> Result<Vec<T>> {
        let mut tx = self.snapshot().await?;
        let rows = tx.rows(query).await?;
        tx.commit().await?;
        Ok(rows)
    }

    /// Waits for what runs, then closes; SQLite's last one out folds its log into the file.
    pub(crate) async fn close(&self) {
        match self {
            Database::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Database::Postgres { writer, charge, events, readers } => {
                readers.close().await;
                events.close().await;
                writer.close().await;
                charge.close().await;
            }
        }
    }
}

/// The call's outcome, unknown where it takes too long: nobody is to wait for ever for a database
/// that has stopped, or a network that swallows what it is given.
pub(crate) async fn bounded<T>(
    limit: Duration,
    call: impl Future<Output = std::result::Result<T, MetadataError>>,
) -> std::result::Result<T, MetadataError> {
    timeout(limit, call).await.unwrap_or_else(|_| {
        Err(MetadataError::Unavailable(format!("the database did not answer within {limit:?}")))
    })
}

/// A transaction on either; dropped, it is rolled back.
pub(crate) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(Session),
}

/// What both can decode: tuples of integers, text and booleans.
pub(crate) trait Record:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Record for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

macro_rules! bind {
    ($query:expr, $args:expr) => {
        $args.into_iter().fold($query, |query, arg| match arg {
            Arg::Int(n) => query.bind(n),
            Arg::Text(text) => query.bind(text),
        })
    };
}

impl Transaction {
    /// Runs a statement; returns how many rows it touched.
    pub(crate) async fn execute(&mut self, Query { sql, args }: Query) -> Result<u64> {
        match self {
            Transaction::Sqlite(tx) => bind!(sqlx::query::<Sqlite>(sql), args)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
            Transaction::Postgres(tx) => bind!(sqlx::query::<Postgres>(sql), args)
                .execute(&mut tx.connection)
                .await
                .map(|done| done.rows_affected()),
        }
    }

    /// Runs a query.
    pub(crate) async fn rows<T: Record>(&mut self, Query { sql, args }: Query) -> Result<Vec<T>> {
        match self {
            Transaction::Sqlite(tx) => {
                bind!(sqlx::query_as::<Sqlite, T>(sql), args).fetch_all(&mut **tx).await
            }
            Transaction::Postgres(tx) => {
                bind!(sqlx::query_as::<Postgres, T>(sql), args).fetch_all(&mut tx.connection).await
            }
        }
    }

    /// Runs a query of at most one row.
    pub(crate) async fn row<T: Record>(&mut self, query: Query) -> Result<Option<T>> {
        Ok(self.rows(query).await?.pop())
    }

    /// Runs several statements that take nothing.
    pub(crate) async fn script(&mut self, sql: &'static str) -> Result<()> {
        match self {
            Transaction::Sqlite(tx) => tx.execute(sqlx::raw_sql(sql)).await.map(drop),
            Transaction::Postgres(tx) => tx.connection.execute(sqlx::raw_sql(sql)).await.map(drop),
        }
    }

    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Transaction::Sqlite(tx) => tx.commit().await,
            Transaction::Postgres(tx) => tx.commit().await,
        }
    }
}
