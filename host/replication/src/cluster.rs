//! The cluster: what the parts of the protocol share, and its upkeep.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use ringwright_events::Events;
use ringwright_metadata::{Change, MetadataError, MetadataStore};
use ringwright_model::{ClusterConfig, ReplicaState};
use ringwright_wire::{Collect, WireError};
use tokio::sync::Notify;

use crate::commit::Committer;
use crate::copies::Copies;
use crate::keyed::Keyed;
use crate::queue::Queue;
use crate::view::{Served, ShardView, View, Views};
use crate::{
    Charge, Clock, ClusterError, CopyProgress, Member, Metrics, OpenError, Protocol, Routing,
    Settings,
};

/// How often the current VATs enter the history.
const SAMPLE: Duration = Duration::from_secs(1);

/// How many samples lie between two collections of garbage, and two looks at the requests.
const COLLECT: u64 = 10;

/// The replicated database, as the balancer in charge runs it.
pub struct Cluster {
    /// Drawn when the metadata was created; every server's database belongs to it.
    pub(crate) id: String,
    pub(crate) settings: Settings,
    pub(crate) store: Arc<dyn MetadataStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) charge: Arc<Charge>,
    pub(crate) routing: Arc<dyn Routing>,
    pub(crate) views: Views,
    pub(crate) commits: Committer,
    pub(crate) copies: Copies,
    pub(crate) metrics: Metrics,
    pub(crate) queue: Mutex<Queue>,
    pub(crate) keyed: Keyed,
    /// Numbers the batches of this epoch.
    pub(crate) round: AtomicU64,
    /// Numbers the attempts to join, and the changes of who holds what, of this epoch.
    numbers: AtomicU64,
    /// Replicas (shard, server) that answered unlike the others: they need a full copy.
    pub(crate) diverged: Mutex<HashSet<(String, String)>>,
    suspicion: Notify,
    paper_locks: Mutex<HashMap<usize, Arc<tokio::sync::Mutex<()>>>>,
}

impl Cluster {
    /// Opens the cluster as the metadata has it. No server is connected yet.
    ///
    /// # Errors
    /// Those of the store; [`OpenError::Protocol`] where the data was written by the rules of
    /// another protocol.
    pub async fn open(
        store: Arc<dyn MetadataStore>,
        clock: Arc<dyn Clock>,
        charge: Arc<Charge>,
        routing: Arc<dyn Routing>,
        settings: Settings,
    ) -> Result<Arc<Cluster>, OpenError> {
        if settings.protocol == Protocol::Paper {
            tracing::warn!("running the paper's Algorithm 1 as printed: it LOSES WRITES");
        }
        let config = store.load().await?;
        // What one protocol leaves on the servers' disks, the other cannot build upon.
        match config.protocol.filter(|_| !config.servers.is_empty()) {
            Some(kept) if kept != settings.protocol => return Err(OpenError::Protocol { kept }),
            Some(_) => {}
            None => store.apply(charge.epoch(), &[Change::Protocol(settings.protocol)]).await?,
        }
        let id = config.id.clone();
        let apart = config.replicas.iter().filter(|r| r.state == ReplicaState::Diverged);
        let diverged = apart.map(|r| (r.shard.clone(), r.server.clone())).collect();
        let view = view_of(config)?;
        let metrics = Metrics::new();
        let committing = metrics.commits.clone();
        Ok(Arc::new(Cluster {
            id,
            views: Views::new(view, clock.now()),
            commits: Committer::start(store.clone(), charge.clone(), clock.clone(), committing),
            copies: Copies::new(metrics.copies.clone()),
            metrics,
            settings,
            store,
            clock,
            charge,
            routing,
            queue: Mutex::default(),
            keyed: Keyed::default(),
            round: AtomicU64::new(0),
            numbers: AtomicU64::new(0),
            diverged: Mutex::new(diverged),
            suspicion: Notify::new(),
            paper_locks: Mutex::default(),
        }))
    }

    /// What is committed and who holds it, now.
    pub fn view(&self) -> Arc<View> {
        self.views.current()
    }

    /// The right by which this balancer serves.
    pub fn charge(&self) -> &Arc<Charge> {
        &self.charge
    }

    /// What happens to it.
    pub fn events(&self) -> &Events {
        self.charge.events()
    }

    /// What it counts and measures.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The copies that are under way.
    pub fn copies(&self) -> Vec<Arc<CopyProgress>> {
        self.copies.under_way()
    }

    /// How many writes wait for their shards.
    pub fn writes_waiting(&self) -> usize {
        self.queue.lock().writes()
    }

    /// What can be done with a shard now.
    pub fn served(&self, shard: &ShardView) -> Served {
        let needed = match self.settings.protocol {
            Protocol::Safe => self.settings.min_in_sync.max(1),
            Protocol::Paper => shard.in_sync.len(), // its writes want all of them
        };
        shard.served(needed)
    }

    /// Returns when a server has become suspect.
    pub async fn suspicion(&self) {
        self.suspicion.notified().await;
    }

    pub(crate) fn suspect(&self, member: &Member) {
        if member.set_suspect(true) {
            self.suspicion.notify_one();
        }
    }

    /// Writes changes down that no write depends on, such as the ring.
    ///
    /// # Errors
    /// Where they were refused, and none of them was made; [`ClusterError::Unknown`] where nobody
    /// knows.
    pub async fn record(&self, changes: Vec<Change>) -> Result<(), ClusterError> {
        Ok(self.commits.commit(changes).await?)
    }

    /// Renews the charge, keeps the history and collects garbage, until the charge is lost.
    pub async fn upkeep(self: Arc<Self>) {
        let housekeeping = async {
            for beat in 1.. {
                self.clock.sleep(SAMPLE).await;
                self.views.remember(self.clock.now(), self.settings.history);
                if beat % COLLECT == 1 {
                    self.sample_requests();
                }
                if beat % COLLECT == 0 {
                    self.collect().await;
                }
                if beat % 3600 == 1 {
                    let older_than_s = self.settings.remember.as_secs();
                    if let Err(error) = self.record(vec![Change::Forget { older_than_s }]).await {
                        tracing::warn!(%error, "old answers could not be forgotten");
                    }
                }
            }
        };
        tokio::select! {
            () = self.charge.keep() => {}
            () = housekeeping => {}
        }
    }

    /// Tells every server which versions no read can need any more.
    pub async fn collect(&self) {
        let view = self.views.current();
        let safe_points = self.views.safe_points();
        for member in view.servers.values() {
            let Some(link) = member.link() else { continue };
            let of = view.shards.iter().zip(&safe_points);
            let held = of.filter(|(s, _)| s.is_in_sync(&member.name));
            let safe_points: Vec<_> = held
                .map(|(s, point)| (s.shard.id.clone(), *point))
                .filter(|(_, point)| *point > 0)
                .collect();
            if safe_points.is_empty() {
                continue;
            }
            let collect = Collect { stamp: link.stamp.clone(), safe_points };
            // One that hangs keeps its own garbage, and nothing of the others waits for it.
            let call = link.ask(link.server.collect(collect));
            if let Err(error) = self.within(self.settings.write_timeout, call).await {
                tracing::debug!(server = %member.name, %error, "garbage was not collected");
            }
        }
    }

    /// The call's answer, or none where it takes longer than `limit`.
    pub(crate) async fn within<T>(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<T, WireError>>,
    ) -> Result<T, WireError> {
        tokio::select! {
            biased;
            answer = call => answer,
            () = self.clock.sleep(limit) => Err(WireError::timeout(limit)),
        }
    }

    /// Numbers an attempt to join, or a change of who holds what, as decided now.
    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn paper_lock(&self, shard: usize) -> Arc<tokio::sync::Mutex<()>> {
        self.paper_locks.lock().entry(shard).or_default().clone()
    }
}

fn view_of(config: ClusterConfig) -> Result<View, MetadataError> {
    let servers: BTreeMap<String, Arc<Member>> = config
        .servers
        .iter()
        .map(|s| {
            let member = Member::with_attributes(s.id, &s.name, s.attributes.clone());
            s.incarnation.iter().for_each(|i| member.set_incarnation(i));
            (s.name.clone(), member)
        })
        .collect();
    let mut shards = Vec::with_capacity(config.shards.len());
    for shard in &config.shards {
        let mut view = ShardView::new(shard.clone());
        for replica in config.replicas_of(&shard.id) {
            let member = servers.get(&replica.server).ok_or_else(|| {
                MetadataError::Corrupt(format!("MapT names server '{}'", replica.server))
            })?;
            view.set_in_sync(member, replica.state == ReplicaState::InSync);
        }
        shards.push(view);
    }
    Ok(View {
        schema: config.schema.map(Arc::new),
        sharding: config.sharding,
        shards,
        servers: Arc::new(servers),
    })
}
