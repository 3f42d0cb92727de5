//! Changing the cluster's shape: `/init`, `/add`, `/rm` and what is told about servers, each whole
//! or not at all, and `/rebalance`, move by move.
//!
//! A change that is dropped at an await is half made: whoever asks for one must see it through,
//! whether or not anybody still waits for the answer.

mod add;
mod attributes;
mod elsewhere;
mod init;
mod names;
mod placing;
mod rebalance;
mod remove;
mod shards;
mod undo;

pub use add::AddPlan;
pub use init::InitPlan;
pub use names::spell;
pub use placing::Planned;
pub use remove::RemovePlan;

use std::iter::repeat_with;
use std::sync::Arc;

use futures::future::join_all;
use ringwright_control::ControlError;
use ringwright_model::{Attributes, Key};
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

impl ShapeError {
    /// Whether a placement policy broke its contract.
    fn is_fault(&self) -> bool {
        matches!(self, ShapeError::Placement(_, error) if error.is_fault())
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

/// A server as a request describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewServer {
    /// Its name, or a template of one.
    pub name: String,
    /// The shards it is to hold.
    pub shards: Vec<String>,
    /// What is told about it.
    pub attributes: Attributes,
}

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
    /// The `n` servers that a request asks for, those that it names first.
    async fn enlist(
        &self,
        view: &View,
        called: Names,
        named: &[NewServer],
        n: usize,
    ) -> Result<Vec<Arc<Member>>, ShapeError> {
        let field = called.count;
        if n == 0 || n > MOST_SERVERS {
            let message = format!("field '{field}' must be from 1 to {MOST_SERVERS}");
            return Err(ShapeError::Invalid(message));
        }
        let names = names::fill_templates(view, named.iter().map(|s| s.name.as_str()));
        let assigned = names::assign(view, called.servers, &names, n)?;
        let told = named.iter().map(|s| s.attributes.clone());
        let servers: Vec<Arc<Member>> = assigned
            .iter()
            .zip(told.chain(repeat_with(Attributes::default)))
            .map(|((id, name), attributes)| Member::with_attributes(*id, name, attributes))
            .collect();
        // As with a change of the hash function: it must be able to lay out what there will be.
        let all: Vec<Arc<Member>> = view.servers.values().chain(&servers).cloned().collect();
        match self.router.try_out(&all).await {
            // One that fails over it does not stand in their way: requests do without it.
            Err(e) if !e.error.is_fault() => {
                return Err(ShapeError::Invalid(format!("field '{field}': {e}")));
            }
            _ => {}
        }
        Ok(servers)
    }

    /// Starts servers that do not belong to the cluster yet, on no data; all of them or none.
    async fn recruit(&self, servers: &[Arc<Member>]) -> Result<Vec<Recruit>, ShapeError> {
        self.cluster.charge().check().map_err(ClusterError::from)?;
        let started = join_all(servers.iter().map(|member| self.recruit_one(member))).await;
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

    async fn recruit_one(&self, member: &Arc<Member>) -> Result<Recruit, ShapeError> {
        let name = member.name.as_str();
        let turn = self.fleet.turn(name).await;
        let server = self.fleet.create(name).await?;
        let recruited = self.cluster.recruit(member.clone(), server).await;
        drop(turn);
        if recruited.is_err() {
            self.dismiss([name].into_iter()).await;
        }
        Ok(recruited?)
    }
}
