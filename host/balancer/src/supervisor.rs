//! Watching the servers: heartbeat, flatline, respawn and copy.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use ringwright_replication::Member;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;

use crate::Balancer;

/// Longest pause between two attempts to bring a server back.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Watches every server until the charge is lost.
pub struct Supervisor {
    balancer: Arc<Balancer>,
    /// Servers with a watch of their own.
    watched: Mutex<HashSet<String>>,
    /// Replicas that are being brought into sync: shard and server.
    joining: Mutex<HashSet<(String, String)>>,
}

impl Supervisor {
    /// A supervisor of the balancer's servers.
    pub fn new(balancer: Arc<Balancer>) -> Arc<Self> {
        Arc::new(Supervisor { balancer, watched: Mutex::default(), joining: Mutex::default() })
    }

    /// Finds the servers that run, starts those that do not, and connects all of them; those
    /// that do not make it are left to the watch.
    pub async fn take_over(&self) {
        let view = self.balancer.cluster.view();
        match self.balancer.fleet.list().await {
            Ok(running) => {
                for stranger in running.iter().filter(|name| !view.servers.contains_key(*name)) {
                    tracing::warn!(server = stranger, "stopping a server the cluster lacks");
                    if let Err(error) = self.balancer.fleet.remove(stranger).await {
                        tracing::warn!(server = stranger, %error, "it could not be removed");
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "the running servers could not be listed"),
        }
        let mut starting = JoinSet::new();
        for name in view.servers.keys().cloned() {
            let balancer = self.balancer.clone();
            starting.spawn(async move {
                if let Err(error) = balancer.bring_up(&name).await {
                    tracing::error!(server = name, %error, "a server could not be started");
                }
            });
        }
        starting.join_all().await;
    }

    /// Watches until the charge is lost.
    pub async fn run(self: Arc<Self>) {
        let t = self.balancer.settings.heartbeat_interval;
        let n = self.balancer.settings.flatline_after;
        tracing::info!("HEARTBEAT checking every {t:?}, flatline after {n} misses");
        let listener = tokio::spawn(self.clone().listen());
        while !self.balancer.cluster.charge().is_lost() {
            let view = self.balancer.cluster.view();
            for member in view.servers.values() {
                if self.watched.lock().insert(member.name.clone()) {
                    tokio::spawn(self.clone().watch(member.clone()));
                }
            }
            self.reconcile();
            self.balancer.record_ring().await;
            tokio::select! {
                () = tokio::time::sleep(t) => {}
                () = self.balancer.cluster.suspicion() => {}
            }
        }
        listener.abort();
    }

    /// Acts at once on what container control tells: a server that exited answers no more.
    async fn listen(self: Arc<Self>) {
        let mut deaths = self.balancer.fleet.deaths();
        loop {
            match deaths.recv().await {
                Ok(name) => {
                    tracing::warn!(server = name, "HEARTBEAT lost: the server exited");
                    if let Err(error) = self.balancer.cluster.detach(&name) {
                        tracing::debug!(server = name, %error, "an exited server was not detached");
                    }
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// One server's heartbeat, for as long as it belongs to the cluster.
    async fn watch(self: Arc<Self>, member: Arc<Member>) {
        let name = member.name.as_str();
        let settings = &self.balancer.settings;
        let mut misses = 0;
        let mut tick = tokio::time::interval(settings.heartbeat_interval);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let view = self.balancer.cluster.view();
            let belongs = view.servers.get(name).is_some_and(|m| Arc::ptr_eq(m, &member));
            if !belongs || self.balancer.cluster.charge().is_lost() {
                break;
            }
            if self.beats(&member).await {
                if misses > 0 {
                    tracing::info!(server = name, misses, "HEARTBEAT is back");
                }
                misses = 0;
                member.set_suspect(false);
                continue;
            }
            misses += 1;
            member.set_suspect(true);
            tracing::warn!(server = name, misses, "HEARTBEAT missed");
            if misses >= settings.flatline_after {
                self.replace(&member).await;
                misses = 0;
            }
        }
        self.watched.lock().remove(name);
    }

    async fn beats(&self, member: &Member) -> bool {
        let Some(link) = member.link() else { return false };
        let limit = self.balancer.settings.heartbeat_interval.max(Duration::from_millis(200));
        let beat = tokio::time::timeout(limit, link.server.heartbeat()).await;
        matches!(beat, Ok(Ok(incarnation)) if incarnation == link.stamp.incarnation)
    }

    /// FLATLINE and RESPAWN: gives the server up, and brings it back on what its disk still has.
    async fn replace(&self, member: &Arc<Member>) {
        let name = member.name.as_str();
        tracing::error!(server = name, "FLATLINE: the server is given up");
        let mut pause = self.balancer.settings.heartbeat_interval;
        let mut attempt = 1;
        loop {
            if let Err(error) = self.balancer.cluster.detach(name) {
                tracing::debug!(server = name, %error, "a lost server was not detached");
                return;
            }
            if let Err(error) = self.balancer.fleet.kill(name).await {
                tracing::warn!(server = name, %error, "the lost server could not be ended");
            }
            tracing::warn!(server = name, attempt, "RESPAWN: starting a replacement");
            match self.balancer.bring_up(name).await {
                Ok(()) => break,
                Err(error) => tracing::error!(server = name, %error, attempt, "RESPAWN failed"),
            }
            if attempt == self.balancer.settings.respawn_attempts {
                self.balancer.place_elsewhere(name).await;
            }
            attempt += 1;
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            if !self.balancer.cluster.view().servers.contains_key(name) {
                return;
            }
        }
        tracing::info!(server = name, "RESPAWN: the replacement is up");
    }

    /// Starts a copy for every replica that is out of sync and could be in sync.
    fn reconcile(self: &Arc<Self>) {
        let view = self.balancer.cluster.view();
        for shard in &view.shards {
            for member in shard.out_of_sync.iter() {
                let up = member.link().is_some() && !member.is_suspect();
                if !up || !shard.others_in_sync(&member.name) {
                    continue;
                }
                let pair = (shard.shard.id.clone(), member.name.clone());
                if self.joining.lock().insert(pair.clone()) {
                    tokio::spawn(self.clone().bring_into_sync(pair));
                }
            }
        }
    }

    async fn bring_into_sync(self: Arc<Self>, pair: (String, String)) {
        let (shard, server) = &pair;
        if let Err(error) = self.balancer.cluster.join(shard, server).await {
            tracing::warn!(shard, server, %error, "a replica could not be brought into sync yet");
            tokio::time::sleep(self.balancer.settings.heartbeat_interval).await;
        }
        self.joining.lock().remove(&pair);
    }
}
