//! The storage of a shard server: its database, the one writer, and the snapshots that read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use ringwright_model::Schema;
use ringwright_wire::{
    Adopt, Adopted, Applied, Apply, Assign, Collect, Export, Import, Measure, Measured, Page,
    PaperAnswer, PaperStep, QueryResult, Read, ReadAnswer, ShardServer, WireError,
};
use sqlx::postgres::PgConnectOptions;

use crate::catalog::Catalog;
use crate::database::{Database, LONGEST, storage};
use crate::local::{Configure, LocalWrite, Outcome};
use crate::metrics::Metrics;
use crate::writer::Writer;
use crate::{export, measure, read};

/// Row versions and the rules that guard them, on disk; clones share one database.
#[derive(Clone)]
pub struct Storage {
    database: Database,
    writer: Writer,
    incarnation: String,
    /// As on disk, kept parsed.
    schema: Arc<ArcSwapOption<Schema>>,
    metrics: Metrics,
    /// Where the data are, as far as this machine knows.
    folder: Option<PathBuf>,
}

impl Storage {
    /// Opens a SQLite file, and creates it where there is none.
    ///
    /// # Errors
    /// What the database said.
    pub async fn open_sqlite(path: impl AsRef<Path>) -> Result<Self, WireError> {
        let path = path.as_ref();
        let storage = Self::open(Database::sqlite(path).await?).await?;
        Ok(storage.kept_in(path.parent().unwrap_or(path)))
    }

    /// Opens a Postgres database, and creates the tables where there are none.
    ///
    /// # Errors
    /// What the database said.
    pub async fn open_postgres(options: PgConnectOptions) -> Result<Self, WireError> {
        Self::open(Database::postgres(options).await?).await
    }

    async fn open(database: Database) -> Result<Self, WireError> {
        let load = async {
            let mut tx = database.write().await?;
            let catalog = Catalog::load_or_create(&mut tx).await?;
            tx.commit().await?;
            Ok(catalog)
        };
        let Catalog { incarnation, schema, .. } = database.bounded(LONGEST, load).await?;
        let schema = Arc::new(ArcSwapOption::new(parsed(schema.as_deref())?));
        let metrics = Metrics::new();
        let writer = Writer::start(database.clone(), metrics.clone());
        Ok(Storage { writer, database, incarnation, schema, metrics, folder: None })
    }

    /// The same, of which is known that its database keeps the data in this folder.
    pub(crate) fn kept_in(self, folder: &Path) -> Self {
        Storage { folder: Some(folder.to_owned()), ..self }
    }

    /// Waits for what is being read and written, and closes the database for every clone.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// Drawn when the database was created.
    pub fn incarnation(&self) -> &str {
        &self.incarnation
    }

    /// What it counts and measures.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Its metrics as they are now, in the text format of Prometheus.
    pub(crate) async fn told(&self) -> prometheus::Result<String> {
        self.metrics.told(&self.database, self.folder.as_deref()).await
    }

    pub(crate) async fn configure(&self, configure: Configure) -> Result<(), WireError> {
        let schema = parsed(Some(&configure.schema))?;
        self.writer.write(configure).await?;
        self.schema.store(schema);
        Ok(())
    }

    pub(crate) async fn write_local(&self, write: LocalWrite) -> Result<Outcome, WireError> {
        self.writer.write(write).await
    }

    /// The schema `/config` gave.
    pub(crate) fn schema(&self) -> Option<Arc<Schema>> {
        self.schema.load_full()
    }
}

fn parsed(schema: Option<&str>) -> Result<Option<Arc<Schema>>, WireError> {
    schema.map(|s| serde_json::from_str(s).map(Arc::new).map_err(storage)).transpose()
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
        let ops = request.batches.iter().flat_map(|batch| batch.requests.iter().flatten());
        self.metrics.written.inc_by(ops.count() as u64);
        self.writer.write(request).await
    }
    async fn read(&self, request: Read) -> Result<ReadAnswer, WireError> {
        let answer = self.database.bounded(LONGEST, read::read(&self.database, &request)).await?;
        let rows = |result: &QueryResult| match result {
            QueryResult::Rows(rows) => rows.len() as u64,
            QueryResult::BelowSafePoint(_) | QueryResult::NotHeld => 0,
        };
        self.metrics.read.inc_by(answer.results.iter().map(rows).sum());
        Ok(answer)
    }
    async fn export(&self, request: Export) -> Result<Page, WireError> {
        self.database.bounded(LONGEST, export::export(&self.database, &request)).await
    }
    async fn import(&self, request: Import) -> Result<(), WireError> {
        self.writer.write(request).await
    }
    async fn collect(&self, request: Collect) -> Result<(), WireError> {
        while self.writer.write(request.clone()).await? {}
        Ok(())
    }
    async fn measure(&self, request: Measure) -> Result<Measured, WireError> {
        self.database.bounded(LONGEST, measure::measure(&self.database, &request)).await
    }
    async fn paper(&self, request: PaperStep) -> Result<PaperAnswer, WireError> {
        self.writer.write(request).await
    }
    async fn heartbeat(&self) -> Result<String, WireError> {
        Ok(self.incarnation.clone())
    }
}
