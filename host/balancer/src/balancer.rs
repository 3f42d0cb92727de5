//! What the balancer is made of.

use std::sync::{Arc, Weak};

use axum::body::Body;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use ringwright_metadata::{Change, RingPoint};
use ringwright_replication::{Cluster, Member};
use tokio::sync::Semaphore;

use crate::api::Streams;
use crate::brain::Brain;
use crate::fleet::Fleet;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::routing::{Published, Ring, Router};
use crate::settings::Settings;

/// Uploads that are compiled and tried at once: each keeps a processor, and others have to serve.
const ADMISSIONS: usize = 2;

/// The balancer: the database, the servers it runs on, and the brains that spread both.
pub struct Balancer {
    /// What an operator has set.
    pub settings: Settings,
    /// The replicated database.
    pub cluster: Arc<Cluster>,
    /// The servers as things that run.
    pub fleet: Fleet,
    /// The plugins.
    pub brain: Arc<Brain>,
    /// Which server a request goes to.
    pub router: Arc<Router>,
    /// What it counts and measures.
    pub metrics: Metrics,
    /// What the dashboard shows of it.
    pub(crate) dashboard: Live,
    /// One change of the cluster's shape at a time.
    pub(crate) shaping: tokio::sync::Mutex<()>,
    /// One choice of plugins at a time, from the look at what there is to its record.
    pub(crate) choosing: tokio::sync::Mutex<()>,
    /// What an upload takes while it is compiled and tried.
    pub(crate) admissions: Arc<Semaphore>,
    /// What it sends for as long as somebody listens.
    pub(crate) streams: Streams,
    pub(crate) http: Client<HttpConnector, Body>,
    /// The ring that is stored. Held while one is written down, so that none overtakes another.
    ring: tokio::sync::Mutex<Weak<Ring>>,
}

impl Balancer {
    /// Puts the parts together.
    pub fn new(
        settings: Settings,
        cluster: Arc<Cluster>,
        fleet: Fleet,
        brain: Arc<Brain>,
        router: Arc<Router>,
    ) -> Arc<Self> {
        Arc::new(Balancer {
            settings,
            cluster,
            fleet,
            brain,
            router,
            metrics: Metrics::new(),
            dashboard: Live::new(),
            shaping: tokio::sync::Mutex::default(),
            choosing: tokio::sync::Mutex::default(),
            admissions: Arc::new(Semaphore::new(ADMISSIONS)),
            streams: Streams::new(),
            http: Client::builder(TokioExecutor::new()).build_http(),
            ring: tokio::sync::Mutex::default(),
        })
    }

    /// The servers that answer, by number.
    pub fn live(&self) -> Vec<Arc<Member>> {
        let view = self.cluster.view();
        let up = view.servers.values().filter(|m| m.is_live());
        let mut live: Vec<_> = up.cloned().collect();
        live.sort_by_key(|m| m.id);
        live
    }

    /// Sees to it that what requests will go by is laid out, and writes down the ring of the
    /// servers that answer, where it is not the one written last.
    pub async fn record_ring(&self) {
        for shard in &self.cluster.view().shards {
            self.router.expect(&shard.in_sync);
        }
        let mut recorded = self.ring.lock().await;
        let live = self.live();
        // Where there is none the router has said why.
        let Ok(Published { ring, .. }) = self.router.ring(&live).await else { return };
        let now = Arc::downgrade(&ring);
        if Weak::ptr_eq(&recorded, &now) {
            return;
        }
        let point = |p: &ringwright_ring::Point| {
            Some(RingPoint {
                slot: p.slot,
                virtual_node: p.virtual_node,
                server: live.get(usize::try_from(p.server).ok()?)?.name.clone(),
            })
        };
        let points = ring.table.points().iter().filter_map(point).collect();
        match self.cluster.record(vec![Change::Ring(points)]).await {
            Ok(()) => *recorded = now,
            Err(error) => tracing::warn!(%error, "the ring could not be written down"),
        }
    }
}
