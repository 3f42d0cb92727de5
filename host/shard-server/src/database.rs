//! SQLite and Postgres behind one face.
//!
//! Both take `$1`, `ON CONFLICT`, `UPDATE … FROM`, row values and partial indexes, so every
//! statement is written once. Lists travel as one JSON text, `[[1,"a"],[2,"b"]]`, taken apart by
//! SQLite's `json_each`; Postgres is taught a function of that name, and one for `json_extract`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use ringwright_postgres::{Connections, Session};
use ringwright_wire::WireError;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::sqlite::{SqliteRow, SqliteSynchronous};
use sqlx::{
    ConnectOptions, Connection, Executor, FromRow, Postgres, Sqlite, SqliteConnection, SqlitePool,
};
use tokio::time::timeout;

/// Connections that only read; each wide read or export page takes one while it runs.
const READERS: u32 = 8;

/// How long somebody else's lock is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longer than any transaction of ours takes, many writes or a walk over a whole shard: a database
/// that is busy for so long is broken.
pub(crate) const LONGEST: Duration = Duration::from_secs(60);

/// What the tables may take: an index that an older version did not have is made of all rows.
const LAY_OUT: Duration = Duration::from_secs(3600);

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS server_state (
        id BIGINT PRIMARY KEY CHECK (id = 1),
        incarnation TEXT NOT NULL,
        cluster TEXT,
        epoch BIGINT NOT NULL,
        next_number BIGINT NOT NULL,
        table_schema TEXT
    );
    CREATE TABLE IF NOT EXISTS shard (id TEXT PRIMARY KEY, state TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS garbage (number BIGINT PRIMARY KEY);
";

const VERSIONS: &str = "
    CREATE TABLE IF NOT EXISTS row_version (
        shard BIGINT NOT NULL,
        key BIGINT NOT NULL,
        cat BIGINT NOT NULL,
        dat BIGINT NOT NULL,
        row TEXT NOT NULL,
        PRIMARY KEY (shard, key, cat)
    )";

/// Only `shard + 0` finds the index by CAT. Of a table that was filled a moment ago a planner knows
/// nothing; to look for a key by the CATs of all its shard, a hundred times the work, seems as good
/// to it as to look for it by its key.
///
/// Most rows live, and nobody looks for them by DAT: that index leaves them out.
const INDEXES: &str = ";
    DROP INDEX IF EXISTS row_version_cat;
    CREATE INDEX IF NOT EXISTS row_version_by_cat ON row_version ((shard + 0), cat);
    CREATE INDEX IF NOT EXISTS row_version_dat ON row_version (shard, dat)
        WHERE dat < 9223372036854775807;
";

/// Of `json_extract` what is used: a number by its name, `$.name`.
const POSTGRES_JSON: &str = "
    CREATE OR REPLACE FUNCTION json_each(text) RETURNS TABLE (value jsonb)
    LANGUAGE sql IMMUTABLE AS 'SELECT jsonb_array_elements($1::jsonb)';
    CREATE OR REPLACE FUNCTION json_extract(text, text) RETURNS bigint
    LANGUAGE sql IMMUTABLE AS 'SELECT CAST($1::jsonb->>substr($2, 3) AS bigint)';
";

/// Every statement has an index made for it, and statistics of a table that was empty a moment
/// ago must not talk the planner out of using it. A role may have turned durability off; an
/// acknowledged write needs it.
const SESSION: [(&str, &str); 7] = [
    ("synchronous_commit", "on"),
    ("jit", "off"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    // The one plan there is need not be made again for each read.
    ("plan_cache_mode", "force_generic_plan"),
    // A lock of somebody else's must not hang the server for ever.
    ("lock_timeout", "10s"),
];

macro_rules! bind {
    ($query:expr, $args:expr) => {
        $args.iter().fold($query, |query, arg| match arg {
            Arg::Int(n) => query.bind(*n),
            Arg::Text(text) => query.bind(*text),
            Arg::Maybe(text) => query.bind(*text),
        })
    };
}

/// Where a shard server keeps its data: one connection that writes, some that read.
#[derive(Clone)]
pub(crate) enum Database {
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    Postgres { writer: Arc<Connections>, readers: Arc<Connections> },
}

impl Database {
    pub(crate) async fn sqlite(path: &Path) -> Result<Self, WireError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(PATIENCE)
            .pragma("cache_size", "-32768")
            .pragma("wal_autocheckpoint", "4000")
            .row_buffer_size(512)
            .disable_statement_logging();
        let pool = || {
            SqlitePoolOptions::new()
                .acquire_timeout(PATIENCE)
                .test_before_acquire(false)
                .idle_timeout(None)
                .max_lifetime(None)
                .after_release(|connection, _| Box::pin(settled(connection)))
        };
        let writer = pool().max_connections(1).connect_with(options.clone());
        let writer = writer.await.map_err(storage)?;
        let tables = sqlx::AssertSqlSafe(format!("{TABLES}{VERSIONS} WITHOUT ROWID{INDEXES}"));
        writer.execute(sqlx::raw_sql(tables)).await.map_err(storage)?;
        // Opened one by one as needed, and after the writer: they could not create the file.
        let readers = pool().max_connections(READERS).connect_lazy_with(options.read_only(true));
        Ok(Database::Sqlite { writer, readers })
    }

    pub(crate) async fn postgres(options: PgConnectOptions) -> Result<Self, WireError> {
        let options =
            options.application_name("ringwright").options(SESSION).disable_statement_logging();
        let (writer, readers) =
            (Connections::new(options.clone(), 1), Connections::new(options, READERS));
        let database = Database::Postgres { writer: writer.clone(), readers };
        let make = async {
            let mut tx = writer.begin("BEGIN").await.map_err(storage)?;
            let tables = format!("{TABLES}{VERSIONS}{INDEXES}{POSTGRES_JSON}");
            let tables = sqlx::raw_sql(sqlx::AssertSqlSafe(tables));
            tx.connection.execute(tables).await.map_err(storage)?;
            tx.commit().await.map_err(storage)
        };
        database.bounded(LAY_OUT, make).await?;
        Ok(database)
    }

    /// The call's outcome; an error where a Postgres does not answer in time. Nobody is to wait for
    /// ever for one that has stopped, or a network that swallows what it is given. (SQLite has
    /// nobody to wait for but the disk.)
    pub(crate) async fn bounded<T>(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<T, WireError>>,
    ) -> Result<T, WireError> {
        if let Database::Sqlite { .. } = self {
            return call.await;
        }
        let late = |_| Err(storage(format!("the database did not answer within {limit:?}")));
        timeout(limit, call).await.unwrap_or_else(late)
    }

    /// Begins the one transaction that may write.
    pub(crate) async fn write(&self) -> Result<Transaction, WireError> {
        Ok(match self {
            Database::Sqlite { writer, .. } => {
                Transaction::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await.map_err(storage)?)
            }
            Database::Postgres { writer, .. } => {
                let mut tx = writer.begin("BEGIN").await.map_err(storage)?;
                // A second server on the same database waits here, and then sees what we did. Not
                // said together with BEGIN, by which it is seen whether a connection lives.
                let lock = sqlx::raw_sql("LOCK TABLE server_state IN EXCLUSIVE MODE");
                tx.connection.execute(lock).await.map_err(storage)?;
                Transaction::Postgres(tx)
            }
        })
    }

    /// Begins a transaction that sees one snapshot and waits for no writer.
    pub(crate) async fn snapshot(&self) -> Result<Transaction, WireError> {
        Ok(match self {
            Database::Sqlite { readers, .. } => {
                Transaction::Sqlite(readers.begin().await.map_err(storage)?)
            }
            Database::Postgres { readers, .. } => Transaction::Postgres(
                readers
                    .begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    .await
                    .map_err(storage)?,
            ),
        })
    }

    /// Runs one query outside of any transaction: it sees one snapshot all the same.
    pub(crate) async fn rows<T: Record>(
        &self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Vec<T>, WireError> {
        match self {
            Database::Sqlite { readers, .. } => {
                let query = bind!(sqlx::query_as::<Sqlite, T>(sql), args);
                query.fetch_all(readers).await.map_err(storage)
            }
            Database::Postgres { readers, .. } => loop {
                let mut lent = readers.lend().await.map_err(storage)?;
                let query = bind!(sqlx::query_as::<Postgres, T>(sql), args);
                match query.fetch_all(&mut lent.session.connection).await {
                    Ok(rows) => {
                        lent.session.keep();
                        return Ok(rows);
                    }
                    // It had died since it was kept. A query can be asked again.
                    Err(sqlx::Error::Io(_)) if lent.was_kept => {}
                    Err(error) => return Err(storage(error)),
                }
            },
        }
    }

    /// How large it is, in bytes.
    pub(crate) async fn bytes(&self) -> Result<i64, WireError> {
        let size = match self {
            Database::Sqlite { .. } => {
                "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
            }
            Database::Postgres { .. } => "SELECT pg_database_size(current_database())",
        };
        let found: Vec<(i64,)> = self.rows(size, &[]).await?;
        found.first().map(|(bytes,)| *bytes).ok_or_else(|| storage("no size"))
    }

    /// Waits for what runs, then closes; SQLite folds its log into the file.
    pub(crate) async fn close(&self) {
        match self {
            Database::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Database::Postgres { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
        }
    }
}

/// Whether a connection has left its transaction. SQLite ends one by itself when the disk is
/// full or fails; sqlx then waits for an end that never comes, and the connection must go.
async fn settled(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    if connection.is_in_transaction() {
        // The rollback of a dropped transaction may still be under way.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

/// A transaction on either; dropped, it is rolled back.
pub(crate) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(Session),
}

/// A value for a placeholder.
pub(crate) enum Arg<'a> {
    Int(i64),
    Text(&'a str),
    /// SQL NULL where there is none.
    Maybe(Option<&'a str>),
}

impl From<i64> for Arg<'_> {
    fn from(n: i64) -> Self {
        Arg::Int(n)
    }
}

impl From<u64> for Arg<'_> {
    fn from(n: u64) -> Self {
        Arg::Int(i64::try_from(n).unwrap_or(i64::MAX))
    }
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(text: &'a str) -> Self {
        Arg::Text(text)
    }
}

/// What both can decode: tuples of integers and text.
pub(crate) trait Record:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Record for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl Transaction {
    /// Runs a statement; returns how many rows it touched.
    pub(crate) async fn execute(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<u64, WireError> {
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
        .map_err(storage)
    }

    /// Runs a query.
    pub(crate) async fn rows<T: Record>(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Vec<T>, WireError> {
        match self {
            Transaction::Sqlite(tx) => {
                bind!(sqlx::query_as::<Sqlite, T>(sql), args).fetch_all(&mut **tx).await
            }
            Transaction::Postgres(tx) => {
                bind!(sqlx::query_as::<Postgres, T>(sql), args).fetch_all(&mut tx.connection).await
            }
        }
        .map_err(storage)
    }

    /// Runs a query and takes its rows, in order, until they weigh more than `most` or end. Says
    /// whether they ended.
    pub(crate) async fn rows_within<T: Record>(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
        most: usize,
        weight: fn(&T) -> usize,
    ) -> Result<(Vec<T>, bool), WireError> {
        let mut rows = match self {
            Transaction::Sqlite(tx) => {
                bind!(sqlx::query_as::<Sqlite, T>(sql), args).fetch(&mut **tx)
            }
            Transaction::Postgres(tx) => {
                bind!(sqlx::query_as::<Postgres, T>(sql), args).fetch(&mut tx.connection)
            }
        };
        let (mut taken, mut weighs) = (Vec::new(), 0);
        while let Some(row) = rows.try_next().await.map_err(storage)? {
            weighs += weight(&row);
            taken.push(row);
            if weighs > most {
                return Ok((taken, false));
            }
        }
        Ok((taken, true))
    }

    pub(crate) async fn commit(self) -> Result<(), WireError> {
        match self {
            Transaction::Sqlite(tx) => tx.commit().await,
            Transaction::Postgres(tx) => tx.commit().await,
        }
        .map_err(storage)
    }

    pub(crate) async fn rollback(self) -> Result<(), WireError> {
        match self {
            Transaction::Sqlite(tx) => tx.rollback().await,
            Transaction::Postgres(tx) => tx.rollback().await,
        }
        .map_err(storage)
    }
}

/// Anything the database says that is not an answer.
pub(crate) fn storage(e: impl std::fmt::Display) -> WireError {
    WireError::Storage { message: e.to_string() }
}

/// A list as the one JSON text statements take it in.
pub(crate) fn list<T: serde::Serialize>(items: &[T]) -> Result<String, WireError> {
    serde_json::to_string(items).map_err(storage)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    use crate::{read, versions};
    use ringwright_postgres::{Postgres, Settings};

    async fn postgres(dir: &tempfile::TempDir) -> Postgres {
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o711)).unwrap();
        Postgres::start(Settings::new(dir.path().join("p"))).await.unwrap()
    }

    #[tokio::test]
    async fn a_row_of_a_table_just_filled_is_found_by_its_key() {
        let dir = tempfile::tempdir().unwrap();
        let postgres = postgres(&dir).await;
        let database = Database::postgres(postgres.options()).await.unwrap();
        let mut tx = database.write().await.unwrap();
        let rows: Vec<_> = (0..8192).map(|key| (1, key, 1, u64::MAX >> 1, "[1]")).collect();
        versions::put(&mut tx, &rows).await.unwrap();
        for sql in [read::POINTS, versions::LIVE] {
            let explain = format!("EXPLAIN {sql}").leak();
            let plan = tx.rows::<(String,)>(explain, &["[]".into()]).await.unwrap();
            let plan: String = plan.into_iter().map(|(line,)| line + "\n").collect();
            let (_, look) = plan.split_once("row_version_pkey").unwrap();
            let condition = look.lines().nth(1).unwrap();
            assert!(condition.contains("Index Cond") && condition.contains("key ="), "{plan}");
        }
        drop(tx);
        postgres.stop().await.unwrap();
    }

    #[tokio::test]
    async fn every_commit_is_flushed() {
        let dir = tempfile::tempdir().unwrap();
        let postgres = postgres(&dir).await;
        let careless = "ALTER ROLE ringwright SET synchronous_commit = off";
        let mut connection = postgres.options().connect().await.unwrap();
        connection.execute(careless).await.unwrap();
        let database = Database::postgres(postgres.options()).await.unwrap();
        let mut tx = database.write().await.unwrap();
        let shown = tx.rows::<(String,)>("SHOW synchronous_commit", &[]).await.unwrap();
        assert_eq!(shown, [("on".to_owned(),)]);

        let database = Database::sqlite(&dir.path().join("data")).await.unwrap();
        let mut tx = database.write().await.unwrap();
        assert_eq!(tx.rows::<(i64,)>("PRAGMA synchronous", &[]).await.unwrap(), [(2,)]);
        postgres.stop().await.unwrap();
    }
}
