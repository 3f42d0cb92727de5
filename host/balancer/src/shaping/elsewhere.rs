//! Where the copies of a server go that does not come back.

use std::sync::Arc;

use ringwright_events::tell;
use ringwright_replication::{ClusterError, Expansion, Member};

use super::placing::Model;
use crate::Balancer;

impl Balancer {
    /// Gives the copies of a server that cannot be brought back to others, each given up only
    /// once another one has taken its place: there are never fewer than before. Where nobody
    /// can take one, and where it was the last in sync, it waits for its server.
    pub(crate) async fn place_elsewhere(self: &Arc<Self>, lost: &Arc<Member>) {
        let _one = self.shaping.lock().await;
        let is_lost = || self.belongs(lost) && lost.link().is_none();
        if !is_lost() {
            return;
        }
        let name = lost.name.as_str();
        let view = self.cluster.view();
        let model = Model::of(&view, &self.cluster.load().await);
        let moves = match self.drain(&model, &[name.to_owned()]).await {
            Ok(moves) => moves,
            Err(error) => {
                tracing::error!(server = name, %error, "no place was found for its copies");
                return;
            }
        };
        let has_source =
            |id: &str| view.shards.iter().any(|s| s.shard.id == id && s.others_in_sync(name));
        for ((shard, _), to) in moves.iter().filter(|((shard, _), _)| has_source(shard)) {
            if !is_lost() {
                return;
            }
            match self.move_copy(shard, name, to).await {
                Ok(()) => tell!(self.cluster.events(), WARN, ReplicaMoved, shard = shard.as_str(),
                    from = name, to = to.as_str(); "a lost copy was replaced"),
                Err(error) => {
                    tracing::error!(shard, from = name, to, %error, "a lost copy stays");
                }
            }
        }
    }

    /// Moves a copy: there is another one in sync before it goes. Where either fails, it stays
    /// and the other one goes.
    pub(super) async fn move_copy(
        &self,
        shard: &str,
        from: &str,
        to: &str,
    ) -> Result<(), ClusterError> {
        let copy = [(shard.to_owned(), to.to_owned())];
        let replicas = copy.to_vec();
        self.cluster.expand(Expansion { replicas, ..Expansion::default() }).await?;
        let moved = async {
            self.cluster.join(shard, to).await?;
            self.cluster.leave(shard, from).await
        };
        let moved = moved.await;
        if moved.is_err() {
            self.take_back(&copy, &[]).await;
        }
        moved
    }
}
