//! The start: the servers that run are taken over, those that do not are started.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use ringwright_replication::Member;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::{BringUpError, Supervisor};

/// Longest wait for the servers. Whatever is not up by then comes up while others serve.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How long the rest is waited for once every shard can be served: a replica that comes too late
/// for the first write has to catch up.
const COURTESY: Duration = Duration::from_secs(1);

/// How often to look whether every shard can be served.
const POLL: Duration = Duration::from_millis(20);

impl Supervisor {
    /// Finds the servers that run, starts those that do not, and connects all of them. Returns
    /// when they are up, or soon after every shard can be served, or when it takes too long;
    /// whatever is left is seen to by the watch.
    pub async fn take_over(self: &Arc<Self>) {
        tokio::spawn(self.clone().stop_strangers());
        let view = self.balancer.cluster.view();
        let members = view.servers.values().filter(|member| self.is_first(member));
        let tried: Vec<oneshot::Receiver<()>> = members
            .map(|member| {
                let (tell, told) = oneshot::channel();
                tokio::spawn(self.clone().begin(member.clone(), tell));
                told
            })
            .collect();
        let can_serve = async {
            while !self.can_serve() {
                sleep(POLL).await;
            }
            sleep(COURTESY).await;
        };
        let enough = async {
            tokio::select! {
                _ = join_all(tried) => {}
                () = can_serve => {}
            }
        };
        if timeout(LONGEST_WAIT, enough).await.is_err() {
            tracing::warn!("not every shard can be served after {LONGEST_WAIT:?}");
        }
    }

    /// Stops what runs and is none of the cluster's servers. Its data stays: it may be all that
    /// is left of a cluster whose metadata was lost.
    async fn stop_strangers(self: Arc<Self>) {
        let view = self.balancer.cluster.view();
        let running = match self.balancer.fleet.list().await {
            Ok(running) => running,
            Err(error) => return tracing::warn!(%error, "the running servers are not known"),
        };
        let strangers = running.iter().filter(|found| !view.servers.contains_key(&found.name));
        join_all(strangers.map(|stranger| async {
            let name = stranger.name.as_str();
            tracing::warn!(server = name, "stopping a server the cluster lacks; its data stays");
            if let Err(error) = self.balancer.fleet.stop(stranger).await {
                tracing::warn!(server = name, %error, "it could not be stopped");
            }
        }))
        .await;
    }

    /// Brings a server up and watches it from then on.
    async fn begin(self: Arc<Self>, member: Arc<Member>, tried: oneshot::Sender<()>) {
        match self.balancer.bring_up(&member).await {
            Ok(()) | Err(BringUpError::Gone) => {}
            Err(error) => {
                tracing::error!(server = member.name, %error, "a server could not be started");
            }
        }
        let _ = tried.send(()); // nobody may wait any more
        self.watch(member).await;
    }

    fn can_serve(&self) -> bool {
        let view = self.balancer.cluster.view();
        view.shards.iter().all(|s| s.in_sync.iter().any(|m| m.link().is_some()))
    }
}
