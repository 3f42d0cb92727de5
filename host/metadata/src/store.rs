//! The store in a SQL database. The statements are such that SQLite and Postgres both take them.
//!
//! One row, the charge's, puts all changes in order, whoever makes them. A transaction that
//! changes anything first updates that row where it is as the caller expects, and so holds its
//! lock until it ends. SQLite lets one transaction write at a time anyway. Postgres, at READ
//! COMMITTED, has the update wait for whoever holds the lock and then look at the row anew; the
//! statements that follow see all that was committed before. So nothing is committed once another
//! has taken charge, and no charge is taken that has beaten since it was seen. A transaction that
//! was given up half-way never commits, as nobody sends its COMMIT; one that was given up later
//! holds the row until it has committed. Neither can come after a change that was made later.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use ringwright_model::{ClusterConfig, Epoch, Event, EventId};
use tokio::time::timeout;

use crate::database::{Database, PATIENCE, Transaction, bounded};
use crate::query::query;
use crate::{Change, Charge, MetadataError, MetadataStore, Remembered, RingPoint};
use crate::{apply, events, load, postgres, sqlite};

/// What a change may add to the time of a long list, such as the first of a large cluster.
const PER_CHANGE: Duration = Duration::from_millis(1);

/// The metadata in a SQL database; clones share it.
#[derive(Clone)]
pub struct SqlStore {
    database: Database,
}

impl SqlStore {
    /// Opens a SQLite file, and creates it where there is none.
    ///
    /// # Errors
    /// What the database said; [`MetadataError::Corrupt`] for a file that a newer version wrote.
    pub async fn open_sqlite(path: impl AsRef<Path>) -> Result<SqlStore, MetadataError> {
        Ok(SqlStore { database: sqlite::open(path.as_ref()).await? })
    }

    /// Opens a database of a Postgres, and makes the tables where there are none. Waits a minute
    /// for a Postgres that cannot be reached. The password need not be in the URL.
    ///
    /// # Errors
    /// What the database said; [`MetadataError::Unavailable`] where it cannot be reached,
    /// [`MetadataError::Corrupt`] for a database that a newer version wrote.
    pub async fn open_postgres(
        url: &str,
        password: Option<&str>,
    ) -> Result<SqlStore, MetadataError> {
        Ok(SqlStore { database: postgres::open(url, password).await? })
    }

    /// Waits for what is being read and written, and closes the database for every clone.
    pub async fn close(&self) {
        // A database that does not answer is left as it is.
        let _ = timeout(PATIENCE, self.database.close()).await;
    }
}

/// Without where it is, which may hold a password.
impl fmt::Debug for SqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl MetadataStore for SqlStore {
    async fn charge(&self) -> Result<Charge, MetadataError> {
        bounded(PATIENCE, load::charge(&self.database)).await
    }

    async fn take_charge(
        &self,
        holder: &str,
        term: Duration,
        seen: &Charge,
    ) -> Result<Option<Epoch>, MetadataError> {
        const TAKE: &str = "
            UPDATE charge
            SET epoch = epoch + 1, holder = $1, term_ms = $2, beat = 0, released = FALSE
            WHERE epoch = $3 AND beat = $4
            RETURNING epoch";
        let take = query(TAKE)
            .bind(holder.to_owned())
            .bind(milliseconds(term))
            .bind(apply::signed(seen.epoch)?)
            .bind(apply::signed(seen.beat)?);
        bounded(PATIENCE, async {
            let mut tx = self.database.charge().await?;
            let epoch = tx.row(take).await?;
            tx.commit().await?;
            epoch.map(|(epoch,)| load::unsigned(epoch)).transpose()
        })
        .await
    }

    async fn renew(&self, epoch: Epoch) -> Result<(), MetadataError> {
        bounded(PATIENCE, async {
            let mut tx = self.database.charge().await?;
            fence(&mut tx, epoch).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn release(&self, epoch: Epoch) -> Result<(), MetadataError> {
        // Given back twice is given back: the first answer may have been lost.
        const RELEASE: &str = "UPDATE charge SET released = TRUE WHERE epoch = $1";
        bounded(PATIENCE, async {
            let mut tx = self.database.charge().await?;
            held(&mut tx, RELEASE, epoch).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn load(&self) -> Result<ClusterConfig, MetadataError> {
        bounded(PATIENCE, load::config(&self.database)).await
    }

    async fn ring(&self) -> Result<Vec<RingPoint>, MetadataError> {
        bounded(PATIENCE, load::ring(&self.database)).await
    }

    async fn apply(&self, epoch: Epoch, changes: &[Change]) -> Result<(), MetadataError> {
        let limit = PATIENCE + PER_CHANGE * u32::try_from(changes.len()).unwrap_or(u32::MAX);
        bounded(limit, async {
            let mut tx = self.database.write().await?;
            fence(&mut tx, epoch).await?;
            apply::apply(&mut tx, changes).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn remembered(&self, key: &str) -> Result<Option<Remembered>, MetadataError> {
        bounded(PATIENCE, load::remembered(&self.database, key)).await
    }

    async fn keep_events(&self, events: &[Event]) -> Result<(), MetadataError> {
        bounded(PATIENCE, events::keep(&self.database, events)).await
    }

    async fn events(&self, after: EventId, newest: u32) -> Result<Vec<Event>, MetadataError> {
        bounded(PATIENCE, events::after(&self.database, after, newest)).await
    }
}

/// Rounded up: nobody is to take it for shorter than it is.
fn milliseconds(term: Duration) -> i64 {
    i64::try_from(term.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
}

/// Makes sure of the charge until the transaction ends. Whoever can do this lives, so it is a
/// beat too.
async fn fence(tx: &mut Transaction, epoch: Epoch) -> Result<(), MetadataError> {
    // A charge given back does not come to life again: another balancer need not wait for it.
    held(tx, "UPDATE charge SET beat = beat + 1 WHERE epoch = $1 AND NOT released", epoch).await
}

/// Runs a statement that touches the charge's row only where `epoch` holds it.
async fn held(tx: &mut Transaction, sql: &'static str, epoch: Epoch) -> Result<(), MetadataError> {
    let lost = MetadataError::ChargeLost { epoch };
    let Ok(signed) = i64::try_from(epoch) else { return Err(lost) };
    let touched = tx.execute(query(sql).bind(signed)).await?;
    if touched == 1 { Ok(()) } else { Err(lost) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use ringwright_postgres::{Postgres, Settings};
    use sqlx::{ConnectOptions, Executor};

    use super::*;

    #[tokio::test]
    async fn every_commit_is_flushed() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqlStore::open_sqlite(dir.path().join("m")).await.unwrap();
        let mut tx = store.database.write().await.unwrap();
        let synchronous: (i64,) = tx.row(query("PRAGMA synchronous")).await.unwrap().unwrap();
        let journal: (String,) = tx.row(query("PRAGMA journal_mode")).await.unwrap().unwrap();
        assert_eq!((synchronous.0, journal.0.as_str()), (2, "wal"));
    }

    #[tokio::test]
    async fn every_commit_is_flushed_on_postgres_too() {
        let open = Permissions::from_mode(0o711);
        let dir = tempfile::Builder::new().permissions(open).tempdir().unwrap();
        let postgres = Postgres::start(Settings::new(dir.path().join("p"))).await.unwrap();
        let careless = "ALTER ROLE ringwright SET synchronous_commit = off";
        let mut connection = postgres.options().connect().await.unwrap();
        connection.execute(careless).await.unwrap();
        let url = postgres.options().to_url_lossy();
        let store = SqlStore::open_postgres(url.as_str(), None).await.unwrap();
        for begun in [store.database.write().await, store.database.charge().await] {
            let shown = begun.unwrap().row(query("SHOW synchronous_commit")).await.unwrap();
            assert_eq!(shown, Some(("on".to_owned(),)));
        }
        postgres.stop().await.unwrap();
    }
}
