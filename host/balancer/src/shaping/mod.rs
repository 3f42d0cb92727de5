//! Changing the cluster's shape: `/init`, `/add` and `/rm`, each whole or not at all.

mod add;
mod init;
mod names;
mod placing;
mod remove;
mod shards;

pub use add::AddPlan;
pub use init::InitPlan;
pub use names::spell;
pub use remove::RemovePlan;

use std::sync::Arc;

use futures::future::join_all;
use ringwright_control::ControlError;
use ringwright_model::Key;
use ringwright_plugin_runtime::CallError;
use ringwright_replication::{ClusterError, Member, Recruit, View};

use crate::Balancer;
use crate::balancer::BringUpError;

/// Why the cluster's shape was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ShapeError {
    /// The request can't be right.
    #[error("{0}")]
    Invalid(String),
    /// What it names is not there.
    #[error("{0}")]
    Missing(String),
    /// It clashes with what is there.
    #[error("{0}")]
    Clash(String),
    /// The placement policy failed.
    #[error("placement plugin '{0}': {1}")]
    Placement(String, CallError),
    /// A server could not be started.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The cluster refused.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

impl From<BringUpError> for ShapeError {
    fn from(e: BringUpError) -> Self {
        match e {
            BringUpError::Control(e) => e.into(),
            BringUpError::Cluster(e) => e.into(),
        }
    }
}

/// A shard as a request describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewShard {
    /// Its name.
    pub id: String,
    /// Lowest key (range sharding).
    pub low: Option<Key>,
    /// Number of keys (range sharding).
    pub size: Option<u64>,
}

/// A server as a request describes it: its name and the shards it is to hold.
pub type NewServer = (String, Vec<String>);

/// Most servers of a cluster; the ring may have room for fewer.
const MOST_SERVERS: usize = 1000;

impl Balancer {
    /// Numbers and names of the `n` servers that a request's `field` asks for, some of them named.
    fn enlist(
        &self,
        view: &View,
        field: &str,
        named: &[String],
        n: usize,
    ) -> Result<Vec<(u32, String)>, ShapeError> {
        if n == 0 || n > MOST_SERVERS {
            let message = format!("field '{field}' must be from 1 to {MOST_SERVERS}");
            return Err(ShapeError::Invalid(message));
        }
        let servers = names::assign(view, named, n)?;
        // As with a change of the hash function: it must be able to lay out what there will be.
        let new = servers.iter().map(|(id, name)| Member::new(*id, name));
        let all: Vec<Arc<Member>> = view.servers.values().cloned().chain(new).collect();
        self.router
            .lay_out(&self.brain.hash(), &all)
            .map_err(|e| ShapeError::Invalid(format!("field '{field}': {e}")))?;
        Ok(servers)
    }

    /// Starts servers that do not belong to the cluster yet; all of them or none.
    async fn recruit(&self, servers: &[(u32, String)]) -> Result<Vec<Recruit>, ShapeError> {
        let starts = servers.iter().map(|(id, name)| async {
            let server = self.fleet.start(name).await?;
            Ok::<_, ShapeError>(self.cluster.recruit(*id, name, server).await?)
        });
        let started: Result<Vec<Recruit>, ShapeError> =
            join_all(starts).await.into_iter().collect();
        if started.is_err() {
            self.dismiss(servers.iter().map(|(_, name)| name.as_str())).await;
        }
        started
    }

    /// Ends servers that do not belong to the cluster, data and all.
    async fn dismiss<'a>(&self, names: impl Iterator<Item = &'a str>) {
        for name in names {
            if let Err(error) = self.fleet.remove(name).await {
                tracing::warn!(server = name, %error, "a server could not be removed");
            }
        }
    }
}
