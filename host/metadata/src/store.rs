//! The store in a SQL database. The statements are such that SQLite and Postgres both take them.

use std::path::Path;

use async_trait::async_trait;
use ringwright_model::{ClusterConfig, Epoch};
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};

use crate::{Change, Charge, MetadataError, MetadataStore, Remembered, RingPoint};
use crate::{apply, load, sqlite};

/// The metadata in a SQL database; clones share it.
#[derive(Clone, Debug)]
pub struct SqlStore {
    /// One connection: writers wait for each other here rather than in the database.
    pub(crate) writer: SqlitePool,
    readers: SqlitePool,
}

impl SqlStore {
    /// Opens a SQLite file, and creates it where there is none.
    ///
    /// # Errors
    /// What the database said; [`MetadataError::Corrupt`] for a file that a newer version wrote.
    pub async fn open_sqlite(path: impl AsRef<Path>) -> Result<SqlStore, MetadataError> {
        let (writer, readers) = sqlite::open(path.as_ref()).await?;
        Ok(SqlStore { writer, readers })
    }

    /// Waits for what is being read and written, and closes the database for every clone.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await; // the last one out folds SQLite's log into the file
    }

    /// Begins a transaction that may write, and holds the lock from its start.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, MetadataError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

#[async_trait]
impl MetadataStore for SqlStore {
    async fn charge(&self) -> Result<Charge, MetadataError> {
        load::charge(&self.readers).await
    }

    async fn take_charge(
        &self,
        holder: &str,
        seen: &Charge,
    ) -> Result<Option<Epoch>, MetadataError> {
        const TAKE: &str = "
            UPDATE charge SET epoch = epoch + 1, holder = $1, beat = 0, released = FALSE
            WHERE epoch = $2 AND beat = $3
            RETURNING epoch";
        let mut tx = self.write().await?;
        let epoch: Option<i64> = sqlx::query_scalar(TAKE)
            .bind(holder)
            .bind(apply::signed(seen.epoch)?)
            .bind(apply::signed(seen.beat)?)
            .fetch_optional(&mut *tx)
            .await?;
        tx.commit().await?;
        epoch.map(load::unsigned).transpose()
    }

    async fn renew(&self, epoch: Epoch) -> Result<(), MetadataError> {
        let mut tx = self.write().await?;
        fence(&mut tx, epoch).await?;
        Ok(tx.commit().await?)
    }

    async fn release(&self, epoch: Epoch) -> Result<(), MetadataError> {
        // Given back twice is given back: the first answer may have been lost.
        const RELEASE: &str = "UPDATE charge SET released = TRUE WHERE epoch = $1";
        let mut tx = self.write().await?;
        held(&mut tx, RELEASE, epoch).await?;
        Ok(tx.commit().await?)
    }

    async fn load(&self) -> Result<ClusterConfig, MetadataError> {
        let mut snapshot = self.readers.begin().await?;
        let config = load::config(&mut snapshot).await?;
        snapshot.commit().await?;
        Ok(config)
    }

    async fn ring(&self) -> Result<Vec<RingPoint>, MetadataError> {
        load::ring(&self.readers).await
    }

    async fn apply(&self, epoch: Epoch, changes: &[Change]) -> Result<(), MetadataError> {
        let mut tx = self.write().await?;
        fence(&mut tx, epoch).await?;
        apply::apply(&mut tx, changes).await?;
        Ok(tx.commit().await?)
    }

    async fn remembered(&self, key: &str) -> Result<Option<Remembered>, MetadataError> {
        load::remembered(&self.readers, key).await
    }
}

/// Makes sure of the charge until the transaction ends. Whoever can do this lives, so it is a
/// beat too.
async fn fence(tx: &mut SqliteConnection, epoch: Epoch) -> Result<(), MetadataError> {
    // A charge given back does not come to life again: another balancer need not wait for it.
    held(tx, "UPDATE charge SET beat = beat + 1 WHERE epoch = $1 AND NOT released", epoch).await
}

/// Runs a statement that touches the charge's row only where `epoch` holds it.
async fn held(
    tx: &mut SqliteConnection,
    sql: &'static str,
    epoch: Epoch,
) -> Result<(), MetadataError> {
    let lost = MetadataError::ChargeLost { epoch };
    let Ok(signed) = i64::try_from(epoch) else { return Err(lost) };
    let touched = sqlx::query(sql).bind(signed).execute(tx).await?.rows_affected();
    if touched == 1 { Ok(()) } else { Err(lost) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[tokio::test]
    async fn every_commit_is_flushed() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqlStore::open_sqlite(dir.path().join("m")).await.unwrap();
        let one = &store.writer;
        let synchronous: i64 =
            sqlx::query_scalar("PRAGMA synchronous").fetch_one(one).await.unwrap();
        let journal: String =
            sqlx::query_scalar("PRAGMA journal_mode").fetch_one(one).await.unwrap();
        assert_eq!((synchronous, journal.as_str()), (2, "wal"));
    }
}
