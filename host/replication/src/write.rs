//! Writes: from the request to the commit and back.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use prometheus::HistogramTimer;
use ringwright_events::tell;
use ringwright_metadata::{Change, Remembered};
use ringwright_model::{Key, ReplicaState};
use ringwright_trace::Cause;
use ringwright_wire::Op;
use tokio::sync::oneshot;
use tracing::{Instrument, debug_span, info_span};

use crate::hold::Hold;
use crate::queue::{Job, Waiting};
use crate::round::Batch;
use crate::{Cluster, Protocol, WriteError};

/// A write request; done whole or not at all.
#[derive(Clone, Debug)]
pub struct WriteRequest {
    /// The changes, no two of one key.
    pub ops: Vec<Op>,
    /// Set where the client asks that a repeat be done once.
    pub once: Option<Once>,
}

/// What makes a request repeatable.
#[derive(Clone, Debug)]
pub struct Once {
    /// The client's `Idempotency-Key`.
    pub key: String,
    /// Digest of the request.
    pub fingerprint: String,
    /// The answer to keep for a repeat.
    pub answer: String,
}

/// That a write is done, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// By this call.
    Now,
    /// By one before it under the same idempotency key; this was its answer.
    Before(String),
}

impl Cluster {
    /// Does a write: on disk on every replica in sync, and visible, when this returns `Ok`.
    ///
    /// Once begun it goes on even where the caller does not wait for it.
    ///
    /// # Errors
    /// See [`WriteError`]; each variant says what is known of the outcome.
    pub async fn write(self: &Arc<Self>, request: WriteRequest) -> Result<Written, WriteError> {
        self.charge.check()?;
        let Some(once) = request.once else {
            self.write_ops(request.ops, None).await?;
            return Ok(Written::Now);
        };
        let cluster = self.clone();
        // On its own task, so that a client that leaves cannot let go of the key's lock early.
        let write = async move { cluster.write_once(request.ops, once).await };
        let done = tokio::spawn(Cause::current().run(write));
        done.await.unwrap_or(Err(WriteError::Abandoned))
    }

    async fn write_once(self: Arc<Self>, ops: Vec<Op>, once: Once) -> Result<Written, WriteError> {
        let _turn = self.keyed.lock(&format!("once {}", once.key)).await;
        let remembered = self.store.remembered(&once.key).await;
        match remembered.map_err(|error| WriteError::Metadata(error.to_string()))? {
            Some(Remembered { fingerprint, answer }) if fingerprint == once.fingerprint => {
                self.charge.check()?;
                return Ok(Written::Before(answer));
            }
            Some(_) => return Err(WriteError::KeyReused),
            None => {}
        }
        let Once { key, fingerprint, answer } = once;
        self.write_ops(ops, Some(Change::Remember { key, fingerprint, answer })).await?;
        Ok(Written::Now)
    }

    async fn write_ops(
        self: &Arc<Self>,
        ops: Vec<Op>,
        remember: Option<Change>,
    ) -> Result<(), WriteError> {
        let parts = self.split(ops)?;
        let _timed = self.begin_writes(&parts);
        if self.settings.protocol == Protocol::Paper {
            return self.paper_write(parts, remember).await;
        }
        let (reply, outcome) = oneshot::channel();
        let cause = Cause::current();
        if !self.queue.lock().push(Waiting::Write(Job { parts, remember, cause, reply })) {
            return Err(WriteError::Overloaded);
        }
        self.dispatch();
        outcome.await.unwrap_or(Err(WriteError::Abandoned))
    }

    /// Splits a write by shard.
    fn split(&self, ops: Vec<Op>) -> Result<Vec<(usize, Vec<Op>)>, WriteError> {
        let view = self.views.current();
        if view.schema.is_none() {
            return Err(WriteError::NotConfigured);
        }
        let mut keys: HashSet<Key> = HashSet::with_capacity(ops.len());
        let mut parts: BTreeMap<usize, Vec<Op>> = BTreeMap::new();
        for op in ops {
            let key = op.key();
            if !keys.insert(key) {
                return Err(WriteError::KeyTwice(key));
            }
            let shard = view.route(key).ok_or(WriteError::NoShard(key))?;
            parts.entry(shard).or_default().push(op);
        }
        Ok(parts.into_iter().collect())
    }

    /// Counts a write at each of its shards, which time it until what this answers is dropped.
    fn begin_writes(&self, parts: &[(usize, Vec<Op>)]) -> Vec<HistogramTimer> {
        let view = self.views.current();
        let shards = parts.iter().filter_map(|(position, _)| view.shards.get(*position));
        shards
            .map(|shard| {
                shard.requests.add(1);
                shard.traffic.writes.start_timer()
            })
            .collect()
    }

    /// Runs a batch whose shards are held.
    pub(crate) async fn run_batch(self: Arc<Self>, mut jobs: Vec<Job>, hold: Hold) {
        self.metrics.batches.observe(jobs.len() as f64);
        let mut batch = Batch::new(&self.views.current(), &self.views.safe_points(), &mut jobs);
        let replicated = async {
            self.may_build_on()?;
            batch.replicate(&self).await
        };
        let outcome = match replicated.await {
            Ok(()) => self.commit_batch(&batch, &mut jobs).await,
            Err(e) => Err(e.into()),
        };
        drop(hold);
        // A refusal is an answer about the data: only whoever is in charge may give it.
        let in_charge = self.charge.check();
        for (job, verdict) in jobs.into_iter().zip(batch.verdicts) {
            let answer = match verdict {
                Some(refused) => in_charge.map_err(WriteError::from).and(Err(refused)),
                None => outcome.clone(),
            };
            let _ = job.reply.send(answer); // the client may have gone
        }
    }

    async fn commit_batch(&self, batch: &Batch, jobs: &mut [Job]) -> Result<(), WriteError> {
        let live: Vec<_> = batch.parts.iter().filter(|p| batch.is_live(p)).collect();
        let fallen: Vec<_> = batch.fallen().collect();
        let mut changes = Vec::new();
        changes.extend(
            live.iter().map(|p| Change::RaiseVat { shard: p.shard.clone(), vat: p.vat + 1 }),
        );
        changes.extend(fallen.iter().map(|(part, fallen)| Change::PutReplica {
            shard: part.shard.clone(),
            server: fallen.member.name.clone(),
            state: if fallen.diverged { ReplicaState::Diverged } else { ReplicaState::OutOfSync },
        }));
        if changes.is_empty() {
            return Ok(());
        }
        let kept = jobs.iter_mut().zip(&batch.verdicts).filter(|(_, verdict)| verdict.is_none());
        changes.extend(kept.filter_map(|(job, _)| job.remember.take()));
        self.commits.commit(changes).instrument(debug_span!("commit")).await?;
        tracing::debug!(shards = live.len(), "committed");
        self.views.publish(|view| {
            live.iter().for_each(|part| view.shards[part.position].vat = part.vat + 1);
            for (part, fallen) in &fallen {
                let shard = &mut view.shards[part.position];
                shard.set_in_sync(&fallen.member, false);
                // One that answered unlike the others was not what it should have been before.
                shard.set_held(&fallen.member.name, (!fallen.diverged).then_some(part.vat));
            }
        });
        for (part, fallen) in fallen {
            self.metrics.fallen.inc();
            tell!(self.events(), WARN, ReplicaOutOfSync, shard = part.shard.as_str(),
                server = fallen.member.name.as_str(), vat = part.vat, diverged = fallen.diverged;
                "a replica fell out of sync");
            if fallen.diverged {
                self.diverged.lock().insert((part.shard.clone(), fallen.member.name.clone()));
            }
        }
        Ok(())
    }
}

/// On whose behalf a batch is written: all its jobs', in a span within that of the first.
pub(crate) fn cause_of(jobs: &[Job]) -> Cause {
    let cause = Cause::of_all(jobs.iter().map(|job| &job.cause));
    let writers = jobs.len();
    let span = info_span!(parent: cause.span(), "write", request_id = cause.request(), writers);
    for job in jobs.iter().skip(1) {
        span.follows_from(job.cause.span());
    }
    cause.within(span)
}
