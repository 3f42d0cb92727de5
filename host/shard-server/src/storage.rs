//! The storage of a shard server: its database, the one writer, and the snapshots that read.

use std::path::Path;

use async_trait::async_trait;
use ringwright_model::Schema;
use ringwright_wire::{
    Adopt, Adopted, Applied, Apply, Assign, Collect, Export, Import, Page, PaperAnswer, PaperStep,
    Read, ReadAnswer, ShardServer, WireError,
};

use crate::catalog::Catalog;
use crate::database::{Database, storage};
use crate::local::{Configure, LocalWrite, Outcome};
use crate::writer::Writer;
use crate::{export, read};

/// Row versions and the rules that guard them, on disk; clones share one database.
#[derive(Clone)]
pub struct Storage {
    database: Database,
    writer: Writer,
    incarnation: String,
}

impl Storage {
    /// Opens a SQLite file, and creates it where there is none.
    ///
    /// # Errors
    /// What the database said.
    pub async fn open_sqlite(path: impl AsRef<Path>) -> Result<Self, WireError> {
        Self::open(Database::sqlite(path.as_ref()).await?).await
    }

    /// Opens a Postgres database, and creates the tables where there are none.
    ///
    /// # Errors
    /// What the database said.
    pub async fn open_postgres(url: &str) -> Result<Self, WireError> {
        Self::open(Database::postgres(url).await?).await
    }

    async fn open(database: Database) -> Result<Self, WireError> {
        let mut tx = database.write().await?;
        let incarnation = Catalog::load_or_create(&mut tx).await?.incarnation;
        tx.commit().await?;
        Ok(Storage { writer: Writer::start(database.clone()), database, incarnation })
    }

    /// Waits for what is being read and written, and closes the database for every clone.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// Drawn when the database was created.
    pub fn incarnation(&self) -> &str {
        &self.incarnation
    }

    pub(crate) async fn configure(&self, configure: Configure) -> Result<(), WireError> {
        self.writer.write(configure).await
    }

    pub(crate) async fn write_local(&self, write: LocalWrite) -> Result<Outcome, WireError> {
        self.writer.write(write).await
    }

    /// The schema `/config` gave, the epoch aside.
    pub(crate) async fn schema(&self) -> Result<Option<Schema>, WireError> {
        let mut tx = self.database.snapshot().await?;
        let catalog = Catalog::load_some(&mut tx, &[].into()).await?;
        tx.commit().await?;
        catalog.schema.map(|s| serde_json::from_str(&s).map_err(storage)).transpose()
    }
}

#[async_trait]
impl ShardServer for Storage {
    async fn adopt(&self, request: Adopt) -> Result<Adopted, WireError> {
        self.writer.write(request).await
    }
    async fn assign(&self, request: Assign) -> Result<(), WireError> {
        self.writer.write(request).await
    }
    async fn apply(&self, request: Apply) -> Result<Applied, WireError> {
        self.writer.write(request).await
    }
    async fn read(&self, request: Read) -> Result<ReadAnswer, WireError> {
        read::read(&self.database, &request).await
    }
    async fn export(&self, request: Export) -> Result<Page, WireError> {
        export::export(&self.database, &request).await
    }
    async fn import(&self, request: Import) -> Result<(), WireError> {
        self.writer.write(request).await
    }
    async fn collect(&self, request: Collect) -> Result<(), WireError> {
        while self.writer.write(request.clone()).await? {}
        Ok(())
    }
    async fn paper(&self, request: PaperStep) -> Result<PaperAnswer, WireError> {
        self.writer.write(request).await
    }
    async fn heartbeat(&self) -> Result<String, WireError> {
        Ok(self.incarnation.clone())
    }
}
