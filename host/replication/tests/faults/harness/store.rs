//! A metadata store behind a bad network.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use ringwright_metadata::{
    Change, Charge, MetadataError, MetadataStore, Remembered, RingPoint, SqlStore,
};
use ringwright_model::{ClusterConfig, Epoch, Event, EventId};

use super::{Dice, Fate};

/// The calls that faults befall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoreKind {
    Apply,
    Charge,
    Renew,
    TakeCharge,
}

/// The store, with faults before and after what it does.
pub struct FaultyStore {
    store: SqlStore,
    script: Mutex<Vec<(StoreKind, Fate)>>,
    dice: Mutex<Option<Arc<Dice>>>,
    calls: Mutex<BTreeMap<StoreKind, u64>>,
}

impl FaultyStore {
    pub fn new(store: SqlStore) -> Arc<FaultyStore> {
        Arc::new(FaultyStore {
            store,
            script: Mutex::default(),
            dice: Mutex::default(),
            calls: Mutex::default(),
        })
    }

    /// Decides what becomes of the next call of a kind that has no fate yet.
    pub fn next(&self, kind: StoreKind, fate: Fate) {
        self.script.lock().push((kind, fate));
    }

    /// Lets chance decide, or stops it.
    pub fn dice(&self, dice: Option<Arc<Dice>>) {
        *self.dice.lock() = dice;
    }

    /// How many calls of a kind there were.
    pub fn calls(&self, kind: StoreKind) -> u64 {
        self.calls.lock().get(&kind).copied().unwrap_or(0)
    }

    fn fate(&self, kind: StoreKind) -> Option<Fate> {
        *self.calls.lock().entry(kind).or_default() += 1;
        let mut script = self.script.lock();
        if let Some(next) = script.iter().position(|(k, _)| *k == kind) {
            return Some(script.remove(next).1);
        }
        // To look at the charge changes nothing: by chance it always succeeds.
        let dice = self.dice.lock();
        dice.as_ref().filter(|_| kind != StoreKind::Charge).map(|dice| dice.throw())
    }

    async fn call<T>(
        &self,
        kind: StoreKind,
        inner: impl Future<Output = Result<T, MetadataError>>,
    ) -> Result<T, MetadataError> {
        match self.fate(kind) {
            Some(Fate::LoseRequest) => Err(lost()),
            // A store that answers nobody has done it: nothing is late behind a transaction
            // that was begun and broken off.
            Some(Fate::LoseAnswer | Fate::LateBy(_) | Fate::Late(_)) => {
                inner.await?;
                Err(lost())
            }
            Some(Fate::HoldRequest(gate)) => {
                gate.pass().await;
                inner.await
            }
            Some(Fate::HoldAnswer(gate)) => {
                let answer = inner.await;
                gate.pass().await;
                answer
            }
            Some(Fate::Slow(there, back)) => {
                tokio::time::sleep(there).await;
                let answer = inner.await;
                tokio::time::sleep(back).await;
                answer
            }
            None => inner.await,
        }
    }
}

fn lost() -> MetadataError {
    MetadataError::Unavailable("no answer".into())
}

#[async_trait]
impl MetadataStore for FaultyStore {
    async fn charge(&self) -> Result<Charge, MetadataError> {
        self.call(StoreKind::Charge, self.store.charge()).await
    }
    async fn take_charge(
        &self,
        holder: &str,
        term: Duration,
        seen: &Charge,
    ) -> Result<Option<Epoch>, MetadataError> {
        self.call(StoreKind::TakeCharge, self.store.take_charge(holder, term, seen)).await
    }
    async fn renew(&self, epoch: Epoch) -> Result<(), MetadataError> {
        self.call(StoreKind::Renew, self.store.renew(epoch)).await
    }
    async fn release(&self, epoch: Epoch) -> Result<(), MetadataError> {
        self.store.release(epoch).await
    }
    async fn load(&self) -> Result<ClusterConfig, MetadataError> {
        self.store.load().await
    }
    async fn ring(&self) -> Result<Vec<RingPoint>, MetadataError> {
        self.store.ring().await
    }
    async fn apply(&self, epoch: Epoch, changes: &[Change]) -> Result<(), MetadataError> {
        self.call(StoreKind::Apply, self.store.apply(epoch, changes)).await
    }
    async fn remembered(&self, key: &str) -> Result<Option<Remembered>, MetadataError> {
        self.store.remembered(key).await
    }
    /// Not kept: no rule is about them, and they come when they will.
    async fn keep_events(&self, _: &[Event]) -> Result<(), MetadataError> {
        Ok(())
    }
    async fn events(&self, _: EventId, _: u32) -> Result<Vec<Event>, MetadataError> {
        Ok(Vec::new())
    }
}
