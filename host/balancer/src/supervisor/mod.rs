//! Watching the servers: heartbeat, flatline, respawn and copy.

mod bring_up;
mod joins;
mod take_over;

pub use bring_up::BringUpError;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use ringwright_control::Instance;
use ringwright_events::{Events, tell};
use ringwright_replication::Member;
use ringwright_wire::WireError;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;

use crate::Balancer;
use joins::Joins;

/// Longest pause between two attempts to bring a server or a replica back.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Watches every server until the charge is lost.
pub struct Supervisor {
    balancer: Arc<Balancer>,
    /// Members with a watch of their own, each told from others by where it is in memory: its
    /// name may be that of another one by now.
    watched: Mutex<HashSet<usize>>,
    joins: Joins,
    /// A server was brought back: its replicas need not wait for the next look.
    is_back: Notify,
}

impl Supervisor {
    /// A supervisor of the balancer's servers.
    pub fn new(balancer: Arc<Balancer>) -> Arc<Self> {
        Arc::new(Supervisor {
            balancer,
            watched: Mutex::default(),
            joins: Joins::default(),
            is_back: Notify::new(),
        })
    }

    /// Watches until the charge is lost.
    pub async fn run(self: Arc<Self>) {
        let t = self.balancer.settings.heartbeat_interval;
        let n = self.balancer.settings.flatline_after;
        tracing::info!("HEARTBEAT checking every {t:?}, flatline after {n} misses");
        let listener = tokio::spawn(self.clone().listen());
        while !self.balancer.cluster.charge().is_lost() {
            let view = self.balancer.cluster.view();
            for member in view.servers.values().filter(|member| self.is_first(member)) {
                tokio::spawn(self.clone().watch(member.clone()));
            }
            self.reconcile();
            self.balancer.record_ring().await;
            tokio::select! {
                () = tokio::time::sleep(t) => {}
                () = self.balancer.cluster.suspicion() => {}
                () = self.is_back.notified() => {}
            }
        }
        listener.abort();
    }

    fn events(&self) -> &Events {
        self.balancer.cluster.events()
    }

    /// Whether nobody watches this member yet; the caller does from now on.
    fn is_first(&self, member: &Arc<Member>) -> bool {
        self.watched.lock().insert(Arc::as_ptr(member).addr())
    }

    /// Acts at once on what container control tells: a server that exited answers no more.
    async fn listen(self: Arc<Self>) {
        let mut deaths = self.balancer.fleet.deaths();
        loop {
            match deaths.recv().await {
                // Each on its own: a server that is being started has its turn first.
                Ok(dead) => drop(tokio::spawn(self.clone().bury(dead))),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Lets go of a server that exited, where no other of its name has come since.
    async fn bury(self: Arc<Self>, dead: Instance) {
        let Instance { name, handle, .. } = &dead;
        let _turn = self.balancer.fleet.turn(name).await;
        if !self.balancer.fleet.is_latest(&dead) {
            tracing::debug!(server = name, handle, "the death of a server that was replaced");
            return;
        }
        tell!(self.events(), WARN, HeartbeatLost, server = name.as_str(), handle = handle.as_str();
            "HEARTBEAT lost: the server exited");
        if let Err(error) = self.balancer.cluster.detach(name) {
            tracing::debug!(server = name, %error, "an exited server was not detached");
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
            let charge = self.balancer.cluster.charge();
            if !self.balancer.belongs(&member) || charge.is_lost() {
                break;
            }
            if self.beats(&member).await {
                if misses > 0 {
                    tell!(self.events(), INFO, HeartbeatBack, server = name, misses = misses;
                        "HEARTBEAT is back");
                }
                misses = 0;
                member.set_suspect(false);
                continue;
            }
            // Without the charge nothing can be brought back, so nothing is given up.
            if charge.check().is_err() {
                continue;
            }
            misses += 1;
            self.balancer.metrics.heartbeats.missed(name);
            member.set_suspect(true);
            tell!(self.events(), WARN, HeartbeatMissed, server = name, misses = misses;
                "HEARTBEAT missed");
            if misses >= settings.flatline_after {
                self.replace(&member).await;
                misses = 0;
            }
        }
        self.watched.lock().remove(&Arc::as_ptr(&member).addr());
    }

    async fn beats(&self, member: &Member) -> bool {
        let Some(link) = member.link() else { return false };
        let limit = self.balancer.settings.heartbeat_interval.max(Duration::from_millis(200));
        let beat = tokio::time::timeout(limit, link.server.heartbeat()).await;
        if let Ok(Err(error @ WireError::Secret)) = &beat {
            tracing::error!(server = member.name, %error, "another started this server");
        }
        matches!(beat, Ok(Ok(incarnation)) if incarnation == link.stamp.incarnation)
    }

    /// FLATLINE and RESPAWN: gives the server up, and brings it back on what its disk still has.
    async fn replace(&self, member: &Arc<Member>) {
        let name = member.name.as_str();
        let heartbeats = &self.balancer.metrics.heartbeats;
        heartbeats.flatlined(name);
        tell!(self.events(), ERROR, Flatline, server = name; "FLATLINE: the server is given up");
        let mut pause = self.balancer.settings.heartbeat_interval;
        for attempt in 1_u32.. {
            tell!(self.events(), WARN, RespawnBegun, server = name, attempt = attempt;
                "RESPAWN: starting a replacement");
            match self.balancer.respawn(member).await {
                Ok(()) => {
                    heartbeats.respawned(name, true);
                    break;
                }
                Err(BringUpError::Gone) => {
                    tracing::info!(server = name, "RESPAWN is not needed: the server was removed");
                    return;
                }
                Err(error) => {
                    heartbeats.respawned(name, false);
                    tell!(self.events(), ERROR, RespawnFailed, server = name,
                        error = error.to_string(), attempt = attempt; "RESPAWN failed");
                }
            }
            if attempt.is_multiple_of(self.balancer.settings.respawn_attempts) {
                // On its own: it waits for whatever changes the cluster's shape now, and that may
                // wait for this very server.
                let (balancer, member) = (self.balancer.clone(), member.clone());
                tokio::spawn(async move { balancer.place_elsewhere(&member).await });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            if self.balancer.cluster.charge().is_lost() {
                return;
            }
        }
        tell!(self.events(), INFO, ServerBack, server = name; "RESPAWN: the replacement is up");
        self.is_back.notify_one();
    }

    /// Starts a copy for every replica that is out of sync and could be in sync.
    fn reconcile(self: &Arc<Self>) {
        let view = self.balancer.cluster.view();
        self.joins.forget_all_but(&view);
        for shard in &view.shards {
            for member in shard.out_of_sync.iter() {
                if !member.is_live() || !shard.others_in_sync(&member.name) {
                    continue;
                }
                let pair = (shard.shard.id.clone(), member.name.clone());
                if self.joins.begin(&pair) {
                    tokio::spawn(self.clone().bring_into_sync(pair));
                }
            }
        }
    }

    async fn bring_into_sync(self: Arc<Self>, pair: (String, String)) {
        let (shard, server) = &pair;
        let joined = self.balancer.cluster.join(shard, server).await;
        let pause = self.balancer.settings.heartbeat_interval;
        self.joins.ended(&pair, joined.is_ok(), pause);
        if let Err(error) = joined {
            tracing::debug!(shard, server, %error, "a replica is to be tried again");
        }
    }
}
