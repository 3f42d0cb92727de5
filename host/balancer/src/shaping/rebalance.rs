//! `/rebalance`: copies move toward balance, where the placement policy sees a gain.

use ringwright_events::tell;
use ringwright_plugin_runtime::{Goal, PlacementPlugin};
use ringwright_replication::ClusterError;

use super::placing::Model;
use super::{Planned, ShapeError};
use crate::Balancer;
use crate::brain::Active;

impl Balancer {
    /// The moves that the placement policy proposes; carried out one by one unless it is a dry
    /// run.
    ///
    /// # Errors
    /// Where the policy fails, or a move does. Those before it are done then, and it and those
    /// after it are not.
    pub async fn rebalance(&self, dry_run: bool) -> Result<Vec<Planned>, ShapeError> {
        let _one = self.shaping.lock().await;
        self.cluster.charge().check().map_err(ClusterError::from)?;
        let model = Model::of(&self.cluster.view(), &self.cluster.load().await);
        let moves = self.plan(&model, Goal::Rebalance).await?;
        if !dry_run {
            let moved = self.move_all(&moves).await;
            self.record_ring().await;
            moved?;
            tell!(self.cluster.events(), INFO, Rebalanced, moves = moves.len();
                "the moves toward balance are made");
        }
        Ok(moves)
    }

    /// What a policy that is not in use would move.
    ///
    /// # Errors
    /// Where it fails.
    pub(crate) async fn would_move(
        &self,
        policy: &Active<PlacementPlugin>,
    ) -> Result<Vec<Planned>, ShapeError> {
        let model = Model::of(&self.cluster.view(), &self.cluster.load().await);
        self.ask(policy, &model, &Goal::Rebalance)
            .await
            .map_err(|e| ShapeError::Placement(policy.choice.name.clone(), e))
    }

    async fn move_all(&self, moves: &[Planned]) -> Result<(), ShapeError> {
        for (done, m) in moves.iter().enumerate() {
            // A policy that rebalances adds no copies: its moves have a source.
            let Some(from) = &m.from else { continue };
            if let Err(error) = self.move_copy(&m.shard, from, &m.to).await {
                return Err(ShapeError::Unavailable(format!(
                    "{done} of {} moves are done; then shard '{}' could not go from '{from}' to \
                     '{}': {error}",
                    moves.len(),
                    m.shard,
                    m.to
                )));
            }
            tell!(self.cluster.events(), INFO, ReplicaMoved, shard = m.shard.as_str(),
                from = from.as_str(), to = m.to.as_str(); "a copy was moved");
        }
        Ok(())
    }
}
