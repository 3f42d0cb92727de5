//! The one writer: whatever waits is written in one transaction, and answered once it is on
//! disk. Group commit: many writes share one flush.

use std::time::Duration;

use async_trait::async_trait;
use ringwright_trace::Cause;
use ringwright_wire::WireError;
use tokio::sync::{mpsc, oneshot};
use tracing::debug_span;

use crate::catalog::Catalog;
use crate::database::{Database, LONGEST, Transaction, storage};
use crate::metrics::Metrics;

/// Most messages of one transaction, so that the first does not wait for ever for its answer.
const GROUP: usize = 128;

/// A message that changes something.
#[async_trait]
pub(crate) trait Write: Send + Sync + 'static {
    /// What it is answered once it is on disk.
    type Answer: Send + Sync;

    /// Checks it and does it. On an error nothing of it stays.
    async fn perform(&self, unit: &mut Unit) -> Result<Self::Answer, WireError>;
}

/// A transaction with the catalog it works on.
pub(crate) struct Unit {
    pub(crate) tx: Transaction,
    pub(crate) catalog: Catalog,
}

/// Hands messages to the writer.
#[derive(Clone)]
pub(crate) struct Writer(mpsc::Sender<Box<dyn Job>>);

impl Writer {
    /// Starts the writer; it ends with the last handle.
    pub(crate) fn start(database: Database, metrics: Metrics) -> Self {
        let (sender, mut jobs) = mpsc::channel(GROUP);
        tokio::spawn(async move {
            let mut group = Vec::new();
            while jobs.recv_many(&mut group, GROUP).await > 0 {
                metrics.messages.observe(group.len() as f64);
                let timed = metrics.transactions.start_timer();
                // On a task of its own: should it panic, those in it get no answer, which they
                // take for a failure, and the writer goes on.
                let group = std::mem::take(&mut group);
                let cause = cause_of(&group);
                let write = perform(database.clone(), group);
                let written = tokio::spawn(cause.run(write)).await;
                timed.observe_duration();
                if written.is_err() {
                    tracing::error!("a group of writes was abandoned");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        });
        Writer(sender)
    }

    /// Does it, together with what else waits.
    pub(crate) async fn write<W: Write>(&self, write: W) -> Result<W::Answer, WireError> {
        let (reply, answer) = oneshot::channel();
        let cause = Cause::current();
        let job = Box::new(Asked { write, cause, outcome: Err(storage("not done")), reply });
        self.0.send(job).await.map_err(|_| storage("the writer has stopped"))?;
        answer.await.map_err(|_| storage("the write was abandoned"))?
    }
}

/// A message with its outcome and who waits for it, whatever its type.
#[async_trait]
trait Job: Send {
    /// On whose behalf it is done.
    fn cause(&self) -> &Cause;
    /// Performs it; returns whether what it did may stay.
    async fn run(&mut self, unit: &mut Unit) -> bool;
    /// Answers it once the fate of the transaction is known.
    fn answer(self: Box<Self>, fate: Result<(), WireError>);
}

struct Asked<W: Write> {
    write: W,
    cause: Cause,
    outcome: Result<W::Answer, WireError>,
    reply: oneshot::Sender<Result<W::Answer, WireError>>,
}

#[async_trait]
impl<W: Write> Job for Asked<W> {
    fn cause(&self) -> &Cause {
        &self.cause
    }

    async fn run(&mut self, unit: &mut Unit) -> bool {
        self.outcome = self.write.perform(unit).await;
        self.outcome.is_ok()
    }

    fn answer(self: Box<Self>, fate: Result<(), WireError>) {
        // Whoever asked may be gone; what was written stays written.
        let _ = self.reply.send(fate.and(self.outcome));
    }
}

/// On whose behalf a group is written: all its messages', in a span within that of the first.
fn cause_of(jobs: &[Box<dyn Job>]) -> Cause {
    let cause = Cause::of_all(jobs.iter().map(|job| job.cause()));
    let messages = jobs.len();
    let span = debug_span!(parent: cause.span(), "flush", request_id = cause.request(), messages);
    for job in jobs.iter().skip(1) {
        span.follows_from(job.cause().span());
    }
    cause.within(span)
}

async fn perform(database: Database, mut jobs: Vec<Box<dyn Job>>) {
    let fate = database.bounded(LONGEST, commit(&database, &mut jobs)).await;
    match &fate {
        Ok(()) => tracing::debug!(writes = jobs.len(), "on disk"),
        Err(e) => tracing::error!(error = %e, writes = jobs.len(), "a transaction failed"),
    }
    for job in jobs {
        job.answer(fate.clone());
    }
}

/// Performs the group in one transaction, those that are refused left out.
async fn commit(database: &Database, jobs: &mut [Box<dyn Job>]) -> Result<(), WireError> {
    let mut tx = database.write().await?;
    let before = Catalog::load(&mut tx).await?;
    let mut unit = Unit { tx, catalog: before.clone() };
    if let [alone] = jobs {
        // It is the transaction: no savepoint, a good part of a small write's work.
        if !alone.run(&mut unit).await {
            return unit.tx.rollback().await;
        }
    } else {
        for job in jobs {
            let catalog = unit.catalog.clone();
            unit.tx.execute("SAVEPOINT message", &[]).await?;
            if !job.run(&mut unit).await {
                unit.tx.execute("ROLLBACK TO SAVEPOINT message", &[]).await?;
                unit.catalog = catalog;
            }
            unit.tx.execute("RELEASE SAVEPOINT message", &[]).await?;
        }
    }
    unit.catalog.save(&mut unit.tx, &before).await?;
    unit.tx.commit().await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    /// A write that can be held up, and tells how much was on disk when it was done.
    enum Probe {
        Wait(Arc<Semaphore>, Database),
        Refuse,
        BreakOff,
        Panic,
    }

    #[async_trait]
    impl Write for Probe {
        type Answer = i64;

        async fn perform(&self, unit: &mut Unit) -> Result<i64, WireError> {
            unit.catalog.create(&format!("{:x}", rand::random::<u64>()), None);
            match self {
                Probe::Wait(gate, database) => {
                    gate.acquire().await.map_err(storage)?.forget();
                    on_disk(database).await
                }
                Probe::Refuse => {
                    let left = "INSERT INTO shard (id, state) VALUES ('left', '{}')";
                    unit.tx.execute(left, &[]).await?;
                    Err(WireError::Incarnation)
                }
                Probe::BreakOff => unit.tx.execute("ROLLBACK", &[]).await.map(|_| 0),
                Probe::Panic => panic!("on purpose"),
            }
        }
    }

    async fn on_disk(database: &Database) -> Result<i64, WireError> {
        let count = "SELECT COUNT(*) FROM shard";
        let rows = database.snapshot().await?.rows::<(i64,)>(count, &[]).await?;
        Ok(rows[0].0)
    }

    async fn open(dir: &tempfile::TempDir) -> (Database, Writer) {
        let database = Database::sqlite(&dir.path().join("data.sqlite")).await.unwrap();
        let mut tx = database.write().await.unwrap();
        Catalog::load_or_create(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        (database.clone(), Writer::start(database, Metrics::new()))
    }

    /// Sends a write and lets it reach the writer.
    async fn send(
        writer: &Writer,
        probe: Probe,
    ) -> tokio::task::JoinHandle<Result<i64, WireError>> {
        let writer = writer.clone();
        let sent = tokio::spawn(async move { writer.write(probe).await });
        tokio::time::sleep(Duration::from_millis(20)).await;
        sent
    }

    #[tokio::test]
    async fn what_waits_shares_one_transaction() {
        let dir = tempfile::tempdir().unwrap();
        let (database, writer) = open(&dir).await;
        let gate = Arc::new(Semaphore::new(0));
        let probe = || Probe::Wait(gate.clone(), database.clone());
        let first = send(&writer, probe()).await;
        let mut waiting = Vec::new();
        for _ in 0..5 {
            waiting.push(send(&writer, probe()).await);
        }
        let refused = send(&writer, Probe::Refuse).await;
        gate.add_permits(6);
        assert_eq!(first.await.unwrap(), Ok(0));
        for waited in waiting {
            assert_eq!(waited.await.unwrap(), Ok(1), "only the first was on disk for any of them");
        }
        assert_eq!(refused.await.unwrap(), Err(WireError::Incarnation));
        assert_eq!(on_disk(&database).await, Ok(6), "the refused one left nothing");
    }

    #[tokio::test]
    async fn a_transaction_that_fails_fails_all_and_the_next_is_good() {
        let dir = tempfile::tempdir().unwrap();
        let (database, writer) = open(&dir).await;
        let gate = Arc::new(Semaphore::new(0));
        let probe = || Probe::Wait(gate.clone(), database.clone());
        for failure in [|| Probe::BreakOff, || Probe::Panic] {
            let before = on_disk(&database).await.unwrap();
            let first = send(&writer, probe()).await;
            let second = send(&writer, probe()).await;
            let failing = send(&writer, failure()).await;
            gate.add_permits(2);
            assert_eq!(first.await.unwrap(), Ok(before));
            for failed in [second, failing] {
                let outcome = failed.await.unwrap();
                assert!(matches!(outcome, Err(WireError::Storage { .. })), "{outcome:?}");
            }
            gate.add_permits(1);
            assert_eq!(writer.write(probe()).await, Ok(before + 1));
        }
    }
}
