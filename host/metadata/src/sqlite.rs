//! SQLite as the metadata's database.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::MetadataError;
use crate::database::{Database, PATIENCE, READERS};
use crate::layout::lay_out;
use crate::query::query;

/// Layout 1 kept the names of plugins, layout 2 keeps them as they were chosen. (No Postgres has
/// ever had layout 1.)
const CHOICES: &str = "
    UPDATE configuration SET
        hash_plugin = CASE WHEN hash_plugin IS NOT NULL THEN
            json_object('name', hash_plugin, 'digest', '', 'settings', json_object()) END,
        placement_plugin = CASE WHEN placement_plugin IS NOT NULL THEN
            json_object('name', placement_plugin, 'digest', '', 'settings', json_object()) END;
";

/// Opens the file, and makes it where there is none.
pub(crate) async fn open(path: &Path) -> Result<Database, MetadataError> {
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
    // Opened one by one as needed, and after the writer: they could not create the file.
    let readers = pool().max_connections(READERS).connect_lazy_with(options.read_only(true));
    let database = Database::Sqlite { writer, readers };
    // In a transaction, as two balancers may find the same old or new file.
    let mut tx = database.write().await?;
    let found = tx.row(query("PRAGMA user_version")).await?.map_or(0, |(layout,)| layout);
    lay_out(&mut tx, found, &path.display().to_string()).await?;
    if found == 1 {
        tx.script(CHOICES).await?;
    }
    tx.script("PRAGMA user_version = 4").await?;
    tx.commit().await?;
    Ok(database)
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
