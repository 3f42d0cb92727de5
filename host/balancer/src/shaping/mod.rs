//! Changing the cluster's shape: `/init`, `/add` and `/rm`, each whole or not at all.
//!
//! A change that is dropped at an await is half made: whoever asks for one must see it through,
//! whether or not anybody still waits for the answer.

mod add;
mod elsewhere;
mod init;
mod names;
mod placing;
mod remove;
mod shards;
mod undo;

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
    /// It can't be done now, though it may be later.
    #[error("{0}")]
    Unavailable(String),
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

/// What a request calls the fields that errors are about.
#[derive(Clone, Copy, Debug)]
struct Names {
    /// The number of servers.
    count: &'static str,
    /// The list of servers.
    servers: &'static str,
    /// The list of shards.
    shards: &'static str,
}

impl Balancer {
    /// Numbers and names of the `n` servers that a request asks for, those that it names first.
    async fn enlist(
        &self,
        view: &View,
        called: Names,
        named: &[NewServer],
        n: usize,
    ) -> Result<Vec<(u32, String)>, ShapeError> {
        let field = called.count;
        if n == 0 || n > MOST_SERVERS {
            let message = format!("field '{field}' must be from 1 to {MOST_SERVERS}");
            return Err(ShapeError::Invalid(message));
        }
        let named = names::fill_templates(view, named.iter().map(|(name, _)| name.as_str()));
        let servers = names::assign(view, called.servers, &named, n)?;
        // As with a change of the hash function: it must be able to lay out what there will be.
        let new = servers.iter().map(|(id, name)| Member::new(*id, name));
        let all: Vec<Arc<Member>> = view.servers.values().cloned().chain(new).collect();
        self.router
            .try_out(&all)
            .await
            .map_err(|e| ShapeError::Invalid(format!("field '{field}': {e}")))?;
        Ok(servers)
    }

    /// Starts servers that do not belong to the cluster yet, on no data; all of them or none.
    async fn recruit(&self, servers: &[(u32, String)]) -> Result<Vec<Recruit>, ShapeError> {
        self.cluster.charge().check().map_err(ClusterError::from)?;
        let started = join_all(servers.iter().map(|(id, name)| self.recruit_one(*id, name))).await;
        let (started, failed): (Vec<_>, Vec<_>) = started.into_iter().partition(Result::is_ok);
        let started: Vec<Recruit> = started.into_iter().flatten().collect();
        match failed.into_iter().find_map(Result::err) {
            None => Ok(started),
            Some(error) => {
                self.dismiss(started.iter().map(Recruit::name)).await;
                Err(error)
            }
        }
    }

    async fn recruit_one(&self, id: u32, name: &str) -> Result<Recruit, ShapeError> {
        let turn = self.fleet.turn(name).await;
        let server = self.fleet.create(name).await?;
        let recruited = self.cluster.recruit(id, name, server).await;
        drop(turn);
        if recruited.is_err() {
            self.dismiss([name].into_iter()).await;
        }
        Ok(recruited?)
    }
}
