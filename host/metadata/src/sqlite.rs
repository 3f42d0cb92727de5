//! SQLite as the metadata's database.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::MetadataError;

/// The layout after all the steps below; a file says in its `user_version` which one it has.
const LAYOUT: i64 = 2;

/// A new file becomes layout 1.
const TABLES: &str = "
    CREATE TABLE charge (
        id BIGINT PRIMARY KEY CHECK (id = 1),
        epoch BIGINT NOT NULL,
        holder TEXT NOT NULL,
        beat BIGINT NOT NULL,
        released BOOLEAN NOT NULL
    );
    INSERT INTO charge VALUES (1, 0, '', 0, FALSE);
    CREATE TABLE configuration (
        id BIGINT PRIMARY KEY CHECK (id = 1),
        cluster_id TEXT NOT NULL,
        protocol TEXT,
        table_schema TEXT,
        sharding TEXT NOT NULL,
        hash_plugin TEXT,
        placement_plugin TEXT
    );
    CREATE TABLE shard_t (
        position BIGINT NOT NULL,
        id TEXT PRIMARY KEY,
        low BIGINT NOT NULL,
        size BIGINT NOT NULL,
        valid_at BIGINT NOT NULL
    );
    CREATE TABLE server (
        position BIGINT NOT NULL,
        id BIGINT NOT NULL UNIQUE,
        name TEXT PRIMARY KEY,
        incarnation TEXT
    );
    CREATE TABLE map_t (
        shard TEXT NOT NULL REFERENCES shard_t (id),
        server TEXT NOT NULL REFERENCES server (name) ON DELETE CASCADE,
        state TEXT NOT NULL,
        PRIMARY KEY (shard, server)
    );
    CREATE TABLE ring (
        slot BIGINT PRIMARY KEY,
        virtual_node BIGINT NOT NULL,
        server TEXT NOT NULL
    );
    CREATE TABLE remembered (
        key TEXT PRIMARY KEY,
        fingerprint TEXT NOT NULL,
        answer TEXT NOT NULL,
        at BIGINT NOT NULL
    );
    CREATE INDEX remembered_at ON remembered (at);
    PRAGMA user_version = 1;
";

/// Layout 1 becomes layout 2: attributes of servers, and plugins as they were chosen.
const ATTRIBUTES: &str = "
    ALTER TABLE server ADD COLUMN weight BIGINT NOT NULL DEFAULT 1;
    ALTER TABLE server ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';
    UPDATE configuration SET
        hash_plugin = CASE WHEN hash_plugin IS NOT NULL THEN
            json_object('name', hash_plugin, 'digest', '', 'settings', json_object()) END,
        placement_plugin = CASE WHEN placement_plugin IS NOT NULL THEN
            json_object('name', placement_plugin, 'digest', '', 'settings', json_object()) END;
    PRAGMA user_version = 2;
";

/// Connections that only read.
const READERS: u32 = 4;

/// Longer than any transaction of ours takes: a database that is busy for so long is broken.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens the file, and makes it where there is none: the one connection that writes, and those
/// that read.
pub(crate) async fn open(path: &Path) -> Result<(SqlitePool, SqlitePool), MetadataError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .disable_statement_logging();
    let pool = || {
        SqlitePoolOptions::new()
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_release(|connection, _| Box::pin(settled(connection)))
    };
    let writer = pool().max_connections(1).connect_with(options.clone()).await?;
    lay_out(&writer, path).await?;
    // Opened one by one as needed, and after the writer: they could not create the file.
    let readers = pool().max_connections(READERS).connect_lazy_with(options.read_only(true));
    Ok((writer, readers))
}

/// Brings a file to the present layout, step by step; refuses one of a layout we do not know.
async fn lay_out(writer: &SqlitePool, path: &Path) -> Result<(), MetadataError> {
    // In a transaction, as two balancers may find the same old or new file.
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *tx).await?;
    if found > LAYOUT {
        return Err(MetadataError::Corrupt(format!(
            "{} was written by a newer Ringwright: it has layout {found}, and this one knows \
             layouts up to {LAYOUT}",
            path.display()
        )));
    }
    if found < 1 {
        sqlx::raw_sql(TABLES).execute(&mut *tx).await?;
        let cluster_id = format!("{:032x}", rand::random::<u128>());
        sqlx::query("INSERT INTO configuration VALUES (1, $1, NULL, NULL, 'range', NULL, NULL)")
            .bind(cluster_id)
            .execute(&mut *tx)
            .await?;
    }
    if found < 2 {
        sqlx::raw_sql(ATTRIBUTES).execute(&mut *tx).await?;
    }
    Ok(tx.commit().await?)
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
