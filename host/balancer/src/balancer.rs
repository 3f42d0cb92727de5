//! What the balancer is made of.

use std::sync::Arc;

use axum::body::Body;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use parking_lot::Mutex;
use ringwright_metadata::{Change, RingPoint};
use ringwright_replication::{Cluster, Member};

use crate::brain::Brain;
use crate::fleet::Fleet;
use crate::routing::{LayoutError, Router};
use crate::settings::Settings;

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
    /// One change of the cluster's shape at a time.
    pub(crate) shaping: tokio::sync::Mutex<()>,
    pub(crate) http: Client<HttpConnector, Body>,
    /// What the stored ring was laid out for.
    ring: Mutex<Option<(String, Vec<u32>)>>,
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
            shaping: tokio::sync::Mutex::default(),
            http: Client::builder(TokioExecutor::new()).build_http(),
            ring: Mutex::default(),
        })
    }

    /// The servers that answer, by number.
    pub fn live(&self) -> Vec<Arc<Member>> {
        let view = self.cluster.view();
        let up = view.servers.values().filter(|m| m.link().is_some() && !m.is_suspect());
        let mut live: Vec<_> = up.cloned().collect();
        live.sort_by_key(|m| m.id);
        live
    }

    /// Writes down the ring of the servers that answer, where it is not the one written last.
    pub async fn record_ring(&self) {
        let live = self.live();
        let hash = self.brain.hash();
        let now = Some((hash.name.clone(), live.iter().map(|m| m.id).collect()));
        if *self.ring.lock() == now {
            return;
        }
        let points = match self.router.lay_out(&hash, &live) {
            Ok(table) => table
                .points()
                .iter()
                .filter_map(|p| {
                    Some(RingPoint {
                        slot: p.slot,
                        virtual_node: p.replica,
                        server: live.get(usize::try_from(p.server).ok()?)?.name.clone(),
                    })
                })
                .collect(),
            Err(LayoutError::Plugin(..) | LayoutError::Layout(..)) => return,
        };
        match self.cluster.record(vec![Change::Ring(points)]).await {
            Ok(()) => *self.ring.lock() = now,
            Err(error) => tracing::warn!(%error, "the ring could not be written down"),
        }
    }
}
