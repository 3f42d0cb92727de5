//! Bringing a server of the cluster up, at first and again.

use std::sync::Arc;

use ringwright_control::ControlError;
use ringwright_replication::{ClusterError, Member};

use crate::Balancer;

/// Why a server could not be brought up.
#[derive(Debug, thiserror::Error)]
pub enum BringUpError {
    /// It was removed from the cluster, and maybe another has its name by now.
    #[error("the server is not in the cluster any more")]
    Gone,
    /// It could not be started.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// It could not be connected.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

impl Balancer {
    /// Whether the cluster has this very member, and not only one of its name.
    pub fn belongs(&self, member: &Arc<Member>) -> bool {
        let view = self.cluster.view();
        view.servers.get(&member.name).is_some_and(|m| Arc::ptr_eq(m, member))
    }

    /// Starts a server of the cluster, or takes over the one that runs, and connects it.
    ///
    /// # Errors
    /// Where it does not start, or does not answer, or is to be no more.
    pub async fn bring_up(&self, member: &Arc<Member>) -> Result<(), BringUpError> {
        let _turn = self.fleet.turn(&member.name).await;
        self.connect(member).await
    }

    /// Ends a server that does not answer, and brings it up again.
    ///
    /// # Errors
    /// As [`bring_up`](Self::bring_up).
    pub(super) async fn respawn(&self, member: &Arc<Member>) -> Result<(), BringUpError> {
        let _turn = self.fleet.turn(&member.name).await;
        self.may_start(member)?;
        self.cluster.detach(&member.name)?;
        if let Err(error) = self.fleet.kill(&member.name).await {
            tracing::warn!(server = member.name, %error, "the lost server could not be ended");
        }
        self.connect(member).await
    }

    async fn connect(&self, member: &Arc<Member>) -> Result<(), BringUpError> {
        self.may_start(member)?;
        let server = self.fleet.start(&member.name).await?;
        // Whoever has removed it meanwhile waits for this turn, and ends what was started.
        match self.cluster.attach(&member.name, server).await {
            Err(ClusterError::NoServer(_)) => Err(BringUpError::Gone),
            attached => Ok(attached?),
        }
    }

    /// A server that another balancer is in charge of, or nobody, is left alone.
    fn may_start(&self, member: &Arc<Member>) -> Result<(), BringUpError> {
        self.cluster.charge().check().map_err(ClusterError::from)?;
        if self.belongs(member) { Ok(()) } else { Err(BringUpError::Gone) }
    }
}
