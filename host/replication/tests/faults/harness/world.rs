//! Servers, metadata and balancers, and what is done to them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::seq::SliceRandom;
use ringwright_metadata::{MetadataStore, SqlStore};
use ringwright_model::{ClusterConfig, Dtype, Key, ReplicaState, Schema, Shard, Sharding, Term};
use ringwright_replication::{
    Charge, Cluster, ClusterError, Expansion, Member, Once, OpenError, ReadError, Routing,
    Settings, ShardView, WriteError, WriteRequest, Written,
};
use ringwright_wire::{Adopt, Holding, Op, QueryResult, RangeQuery, Read, ShardServer};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::{Faulty, FaultyStore, TestClock, soon};

/// The shards of the tests: `sh1` holds the keys from 0, `sh2` those from 100.
pub const SHARDS: [&str; 2] = ["sh1", "sh2"];

/// How long a charge lasts: longer than a test, whose clock must be moved to end it.
pub const TERM: Duration = Duration::from_secs(3600);

pub struct World {
    pub dir: TempDir,
    pub store: Arc<FaultyStore>,
    pub servers: BTreeMap<String, Faulty>,
    pub settings: Settings,
}

/// A balancer with the clock of its machine; clones are the same balancer.
#[derive(Clone)]
pub struct Balancer {
    pub cluster: Arc<Cluster>,
    pub clock: Arc<TestClock>,
    order: Arc<Order>,
}

/// Any replica is as good as another, unless a test wants one to be asked first.
#[derive(Default)]
pub struct Order {
    first: Mutex<Option<String>>,
}

impl Routing for Order {
    fn order(&self, shard: &ShardView) -> Vec<Arc<Member>> {
        let mut order = shard.in_sync.to_vec();
        order.shuffle(&mut rand::rng());
        let first = self.first.lock();
        order.sort_by_key(|m| Some(&m.name) != first.as_ref()); // stable
        order
    }
}

impl World {
    /// Servers s1, s2 and so on, that belong to no cluster yet.
    pub async fn of(servers: usize) -> World {
        let dir = tempfile::tempdir().unwrap();
        let store = SqlStore::open_sqlite(dir.path().join("metadata")).await.unwrap();
        let mut started = BTreeMap::new();
        for i in 1..=servers {
            let name = format!("s{i}");
            let server = Faulty::start(&name, dir.path().to_owned()).await;
            started.insert(name, server);
        }
        let settings = Settings { patience: Duration::from_millis(100), ..Settings::default() };
        World { dir, store: FaultyStore::new(store), servers: started, settings }
    }

    /// A world whose servers all hold both shards, and the balancer in charge of it.
    pub async fn with(servers: usize) -> (World, Balancer) {
        let world = World::of(servers).await;
        let balancer = world.init().await;
        (world, balancer)
    }

    /// Makes a cluster of all servers, each with a replica of both shards.
    pub async fn init(&self) -> Balancer {
        let balancer = self.balancer().await;
        let shard =
            |(i, id): (i64, &str)| Shard { id: id.into(), low: i * 100, size: 100, valid_at: 0 };
        let mut new = Expansion {
            schema: Some((schema(), Sharding::Range)),
            shards: (0..).zip(SHARDS).map(shard).collect(),
            ..Expansion::default()
        };
        for (id, server) in (1..).zip(self.servers.values()) {
            let member = Member::new(id, server.name());
            let recruit = balancer.cluster.recruit(member, server.handle());
            new.servers.push(recruit.await.unwrap());
            new.replicas.extend(SHARDS.map(|s| (s.to_owned(), server.name().to_owned())));
        }
        balancer.cluster.expand(new).await.unwrap();
        balancer
    }

    pub fn server(&self, name: &str) -> &Faulty {
        &self.servers[name]
    }

    /// A new balancer in charge, as after a crash of the one before, which may live on: it is a
    /// zombie then. The servers that run are connected.
    pub async fn balancer(&self) -> Balancer {
        self.try_balancer().await.unwrap()
    }

    /// The same, where it may not open the cluster.
    pub async fn try_balancer(&self) -> Result<Balancer, OpenError> {
        let clock = Arc::new(TestClock::new());
        let order = Arc::new(Order::default());
        let charge = self.charge(clock.clone()).await;
        let cluster = Cluster::open(
            self.store.clone(),
            clock.clone(),
            charge,
            order.clone(),
            self.settings.clone(),
        );
        let balancer = Balancer { cluster: cluster.await?, clock, order };
        for server in self.servers.values() {
            if balancer.cluster.view().servers.contains_key(server.name()) {
                // One that is down, or refuses, stays away.
                let _ = balancer.attach(server).await;
            }
        }
        Ok(balancer)
    }

    /// Has another balancer take charge, of which no server knows yet.
    pub async fn take_charge(&self) {
        self.charge(Arc::new(TestClock::new())).await;
    }

    /// The charge, whoever has it; asked for until the store answers.
    async fn charge(&self, clock: Arc<TestClock>) -> Arc<Charge> {
        loop {
            let take = Charge::take(self.store.clone(), clock.clone(), "test", TERM, true);
            if let Ok(charge) = take.await {
                return charge;
            }
        }
    }

    pub async fn metadata(&self) -> ClusterConfig {
        self.store.load().await.unwrap()
    }

    /// The servers that hold a shard in sync, as the metadata has it.
    pub async fn in_sync(&self, shard: &str) -> Vec<String> {
        let config = self.metadata().await;
        let replicas = config.replicas_of(shard);
        let mut names: Vec<_> = replicas
            .filter(|r| r.state == ReplicaState::InSync)
            .map(|r| r.server.clone())
            .collect();
        names.sort();
        names
    }

    /// A shard's VAT, as the metadata has it.
    pub async fn vat(&self, shard: &str) -> Term {
        self.metadata().await.shards.iter().find(|s| s.id == shard).unwrap().valid_at
    }

    /// What a server's own database says it holds; asked past all faults.
    pub async fn holdings(&self, balancer: &Balancer, server: &str) -> Vec<Holding> {
        let epoch = balancer.cluster.charge().epoch();
        let adopt = Adopt { epoch, cluster: self.metadata().await.id };
        self.server(server).storage().unwrap().adopt(adopt).await.unwrap().shards
    }

    /// Whether all replicas in sync answer the same bytes for every VAT from the safe point to
    /// now (invariant I4); asked past all faults.
    pub async fn assert_agree(&self, balancer: &Balancer) {
        let view = balancer.cluster.view();
        for shard in &view.shards {
            let mut held = Vec::new();
            let mut safe_point = 0;
            for member in shard.in_sync.iter() {
                let (Some(link), Some(storage)) =
                    (member.link(), self.server(&member.name).storage())
                else {
                    continue;
                };
                let holdings = self.holdings(balancer, &member.name).await;
                let holding = holdings.into_iter().find(|h| h.shard == shard.shard.id);
                safe_point = safe_point.max(holding.unwrap().safe_point);
                held.push((member.name.clone(), link.stamp.clone(), storage));
            }
            for vat in safe_point..=shard.vat {
                let mut answers = Vec::new();
                for (name, stamp, storage) in &held {
                    let id = shard.shard.id.clone();
                    let query = RangeQuery { shard: id, vat, low: 0, high: i64::MAX };
                    let read = Read { stamp: stamp.clone(), queries: vec![query] };
                    let mut answer = storage.read(read).await.unwrap();
                    let Some(QueryResult::Rows(rows)) = answer.results.pop() else {
                        panic!("{name} does not hold {} at {vat}", shard.shard.id);
                    };
                    let rows: Vec<_> =
                        rows.into_iter().map(|(key, row)| (key, row.get().to_owned())).collect();
                    answers.push((name, rows));
                }
                for pair in answers.windows(2) {
                    assert_eq!(
                        pair[0].1, pair[1].1,
                        "{} at {vat}: {} and {}",
                        shard.shard.id, pair[0].0, pair[1].0
                    );
                }
            }
        }
    }
}

impl Balancer {
    pub async fn write(&self, ops: Vec<Op>) -> Result<Written, WriteError> {
        soon(self.cluster.write(WriteRequest { ops, once: None })).await
    }

    /// A write with an idempotency key.
    pub async fn once(
        &self,
        key: &str,
        fingerprint: &str,
        ops: Vec<Op>,
    ) -> Result<Written, WriteError> {
        let (key, fingerprint) = (key.to_owned(), fingerprint.to_owned());
        let answer = format!("answer to {fingerprint}");
        let once = Some(Once { key, fingerprint, answer });
        soon(self.cluster.write(WriteRequest { ops, once })).await
    }

    /// A write that is not waited for here.
    pub fn writing(&self, ops: Vec<Op>) -> JoinHandle<Result<Written, WriteError>> {
        let this = self.clone();
        tokio::spawn(async move { this.write(ops).await })
    }

    pub async fn rows(&self, low: Key, high: Key) -> Result<Vec<String>, ReadError> {
        let read = soon(self.cluster.read(low, high)).await?;
        Ok(read.rows.iter().map(|row| text(row.get())).collect())
    }

    /// The rows of both shards.
    pub async fn all(&self) -> Vec<String> {
        self.rows(0, 199).await.unwrap()
    }

    /// A read of both shards that is not waited for here.
    pub fn reading(&self) -> JoinHandle<Result<Vec<String>, ReadError>> {
        let this = self.clone();
        tokio::spawn(async move { this.rows(0, 199).await })
    }

    /// Has reads ask this server first, suspect or not.
    pub fn ask_first(&self, server: &str) {
        *self.order.first.lock() = Some(server.to_owned());
        self.cluster.view().servers[server].set_suspect(false);
    }

    pub async fn attach(&self, server: &Faulty) -> Result<(), ClusterError> {
        soon(self.cluster.attach(server.name(), server.handle())).await
    }

    pub fn detach(&self, server: &Faulty) {
        self.cluster.detach(server.name()).unwrap();
    }

    pub async fn join(&self, shard: &str, server: &Faulty) -> Result<(), ClusterError> {
        soon(self.cluster.join(shard, server.name())).await
    }

    /// A join that is not waited for here.
    pub fn joining(
        &self,
        shard: &'static str,
        server: &Faulty,
    ) -> JoinHandle<Result<(), ClusterError>> {
        let (this, server) = (self.clone(), server.clone());
        tokio::spawn(async move { this.join(shard, &server).await })
    }

    /// Lets so much time pass that no history is kept, and has the garbage collected.
    pub async fn collect(&self) {
        let upkeep = tokio::spawn(self.cluster.clone().upkeep());
        self.settled().await;
        self.clock.jump(Settings::default().history + Duration::from_secs(2));
        self.settled().await;
        upkeep.abort();
        self.cluster.collect().await;
    }

    /// The servers that hold a shard in sync, as this balancer sees it.
    pub fn in_sync(&self, shard: &str) -> Vec<String> {
        let view = self.cluster.view();
        let shard = &view.shards[view.shard_position(shard).unwrap()];
        let mut names: Vec<_> = shard.in_sync.iter().map(|m| m.name.clone()).collect();
        names.sort();
        names
    }

    pub fn vat(&self, shard: &str) -> Term {
        let view = self.cluster.view();
        view.shards[view.shard_position(shard).unwrap()].vat
    }

    /// Lets everything that can go on without news from outside go on.
    pub async fn settled(&self) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
}

fn schema() -> Schema {
    Schema {
        columns: vec!["Stud_id".into(), "Stud_name".into()],
        dtypes: vec![Dtype::Number, Dtype::String],
    }
}

fn json(text: &str) -> Box<str> {
    format!("\"{text}\"").into()
}

/// A row's text without its JSON.
fn text(json: &str) -> String {
    json.trim_matches('"').to_owned()
}

pub fn insert(key: Key, row: &str) -> Op {
    Op::Insert { key, row: json(row) }
}

pub fn update(key: Key, row: &str) -> Op {
    Op::Update { key, row: json(row) }
}

pub fn delete(key: Key) -> Op {
    Op::Delete { key }
}
