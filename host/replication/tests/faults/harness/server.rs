//! A shard server behind a bad network, which can crash and come back.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use ringwright_shard_server::Storage;
use ringwright_wire::{
    Adopt, Adopted, Applied, Apply, Assign, Collect, Export, Import, Measure, Measured, Page,
    PaperAnswer, PaperStep, Read, ReadAnswer, ShardServer, WireError,
};

use super::{Dice, Fate};

/// The kinds of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Adopt,
    Assign,
    Apply,
    Read,
    Export,
    Import,
    Collect,
    Measure,
    Paper,
    Heartbeat,
}

/// A server of its own, on a file of its own; clones are the same server.
#[derive(Clone)]
pub struct Faulty(Arc<Inner>);

struct Inner {
    name: String,
    dir: PathBuf,
    /// Which of its disks it has.
    disk: AtomicU32,
    storage: Mutex<Option<Storage>>,
    /// Grows with every crash: what was asked before is answered to nobody.
    life: AtomicU64,
    /// What becomes of the next messages of a kind, in order.
    script: Mutex<Vec<(Kind, Fate)>>,
    /// What becomes of those the script does not name.
    dice: Mutex<Option<Arc<Dice>>>,
    /// How many batches to answer well without doing them.
    skip: AtomicU32,
    calls: Mutex<BTreeMap<Kind, u64>>,
    /// How many row versions it was sent to join.
    imported: AtomicU64,
}

impl Faulty {
    pub async fn start(name: &str, dir: PathBuf) -> Faulty {
        let server = Faulty(Arc::new(Inner {
            name: name.to_owned(),
            dir,
            disk: AtomicU32::new(0),
            storage: Mutex::default(),
            life: AtomicU64::new(0),
            script: Mutex::default(),
            dice: Mutex::default(),
            skip: AtomicU32::new(0),
            calls: Mutex::default(),
            imported: AtomicU64::new(0),
        }));
        server.restart().await;
        server
    }

    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub fn handle(&self) -> Arc<dyn ShardServer> {
        Arc::new(self.clone())
    }

    /// Its file.
    pub fn path(&self) -> PathBuf {
        self.0.dir.join(format!("{}-{}.sqlite", self.0.name, self.0.disk.load(Ordering::Relaxed)))
    }

    /// What it is inside, past all faults.
    pub fn storage(&self) -> Option<Storage> {
        self.0.storage.lock().clone()
    }

    /// Stops at once. What is being written may still reach the disk; nobody is told.
    pub async fn crash(&self) {
        self.0.life.fetch_add(1, Ordering::SeqCst);
        let storage = self.0.storage.lock().take();
        if let Some(storage) = storage {
            storage.close().await;
        }
    }

    /// Starts on the disk it has.
    pub async fn restart(&self) {
        self.crash().await;
        let storage = Storage::open_sqlite(self.path()).await.unwrap();
        *self.0.storage.lock() = Some(storage);
    }

    /// Starts on another disk: 0 is the first, one never used is empty.
    pub async fn restart_on(&self, disk: u32) {
        self.crash().await;
        self.0.disk.store(disk, Ordering::Relaxed);
        self.restart().await;
    }

    /// Starts on a new, empty disk.
    pub async fn restart_wiped(&self) {
        self.restart_on(self.0.disk.load(Ordering::Relaxed) + 1).await;
    }

    /// Decides what becomes of the next message of a kind that has no fate yet.
    pub fn next(&self, kind: Kind, fate: Fate) {
        self.0.script.lock().push((kind, fate));
    }

    /// Lets chance decide, or stops it.
    pub fn dice(&self, dice: Option<Arc<Dice>>) {
        *self.0.dice.lock() = dice;
    }

    /// Makes it answer the next batch like the others without doing anything: a disk that lies.
    pub fn skip_next_apply(&self) {
        self.0.skip.fetch_add(1, Ordering::Relaxed);
    }

    /// How many messages of a kind were sent to it.
    pub fn calls(&self, kind: Kind) -> u64 {
        self.0.calls.lock().get(&kind).copied().unwrap_or(0)
    }

    /// How many row versions it was sent to join.
    pub fn imported(&self) -> u64 {
        self.0.imported.load(Ordering::Relaxed)
    }

    fn fate(&self, kind: Kind) -> Option<Fate> {
        *self.0.calls.lock().entry(kind).or_default() += 1;
        let mut script = self.0.script.lock();
        if let Some(next) = script.iter().position(|(k, _)| *k == kind) {
            return Some(script.remove(next).1);
        }
        self.0.dice.lock().as_ref().map(|dice| dice.throw())
    }

    async fn call<T, F>(
        &self,
        kind: Kind,
        inner: impl FnOnce(Storage) -> F + Send + 'static,
    ) -> Result<T, WireError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, WireError>> + Send + 'static,
    {
        let fate = self.fate(kind);
        let this = self.clone();
        let life = self.0.life.load(Ordering::SeqCst);
        // On a task of its own: a message on its way does not turn back where the sender stops
        // waiting.
        let done = async move {
            match this.storage() {
                Some(storage) => inner(storage).await,
                None => Err(lost("the server is down")),
            }
        };
        let gate = match fate {
            Some(Fate::LoseRequest) => return Err(lost("the request was lost")),
            Some(Fate::Late(gate)) => {
                tokio::spawn(async move {
                    gate.pass().await;
                    gate.end(done.await.map(drop));
                });
                return Err(lost("the request is late"));
            }
            Some(Fate::LateBy(while_)) => {
                tokio::spawn(async move {
                    tokio::time::sleep(while_).await;
                    done.await.map(drop)
                });
                return Err(lost("the request is late"));
            }
            Some(Fate::LoseAnswer) => {
                let _ = tokio::spawn(done).await.unwrap();
                return Err(lost("the answer was lost"));
            }
            Some(Fate::HoldRequest(gate)) => {
                return tokio::spawn(async move {
                    gate.pass().await;
                    done.await
                })
                .await
                .unwrap();
            }
            Some(Fate::Slow(there, back)) => {
                let answer = tokio::spawn(async move {
                    tokio::time::sleep(there).await;
                    let answer = done.await;
                    tokio::time::sleep(back).await;
                    answer
                });
                let answer = answer.await.unwrap();
                return if self.0.life.load(Ordering::SeqCst) == life {
                    answer
                } else {
                    Err(lost("the server crashed"))
                };
            }
            Some(Fate::HoldAnswer(gate)) => Some(gate),
            None => None,
        };
        let answer = tokio::spawn(done).await.unwrap();
        if let Some(gate) = gate {
            gate.pass().await;
        }
        if self.0.life.load(Ordering::SeqCst) != life {
            return Err(lost("the server crashed"));
        }
        answer
    }
}

fn lost(why: &str) -> WireError {
    WireError::Unreachable { message: why.into() }
}

#[async_trait]
impl ShardServer for Faulty {
    async fn adopt(&self, request: Adopt) -> Result<Adopted, WireError> {
        self.call(Kind::Adopt, |s| async move { s.adopt(request).await }).await
    }
    async fn assign(&self, request: Assign) -> Result<(), WireError> {
        self.call(Kind::Assign, |s| async move { s.assign(request).await }).await
    }
    async fn apply(&self, mut request: Apply) -> Result<Applied, WireError> {
        let one_less = |n: u32| n.checked_sub(1);
        if self.0.skip.try_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
            request.batches.iter_mut().flat_map(|b| &mut b.requests).for_each(Vec::clear);
        }
        self.call(Kind::Apply, |s| async move { s.apply(request).await }).await
    }
    async fn read(&self, request: Read) -> Result<ReadAnswer, WireError> {
        self.call(Kind::Read, |s| async move { s.read(request).await }).await
    }
    async fn export(&self, request: Export) -> Result<Page, WireError> {
        self.call(Kind::Export, |s| async move { s.export(request).await }).await
    }
    async fn import(&self, request: Import) -> Result<(), WireError> {
        self.0.imported.fetch_add(request.versions.len() as u64, Ordering::Relaxed);
        self.call(Kind::Import, |s| async move { s.import(request).await }).await
    }
    async fn collect(&self, request: Collect) -> Result<(), WireError> {
        self.call(Kind::Collect, |s| async move { s.collect(request).await }).await
    }
    async fn measure(&self, request: Measure) -> Result<Measured, WireError> {
        self.call(Kind::Measure, |s| async move { s.measure(request).await }).await
    }
    async fn paper(&self, request: PaperStep) -> Result<PaperAnswer, WireError> {
        self.call(Kind::Paper, |s| async move { s.paper(request).await }).await
    }
    async fn heartbeat(&self) -> Result<String, WireError> {
        self.call(Kind::Heartbeat, |s| async move { s.heartbeat().await }).await
    }
}
