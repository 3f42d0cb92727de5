//! What an operator tells about a server, changed while it runs.

use std::sync::Arc;

use ringwright_model::{Attributes, Labels};
use ringwright_replication::{ClusterError, Member};

use super::ShapeError;
use crate::Balancer;

impl Balancer {
    /// Changes what is told about a server, as far as it is given; answers all that is told then.
    /// Requests go by it from the next one on.
    ///
    /// # Errors
    /// Where there is no such server, or the hash function cannot lay it out so; then nothing
    /// was changed.
    pub async fn tell(
        &self,
        name: &str,
        weight: Option<u32>,
        labels: Option<Labels>,
    ) -> Result<Attributes, ShapeError> {
        let _one = self.shaping.lock().await;
        self.cluster.charge().check().map_err(ClusterError::from)?;
        // What is prepared meanwhile would be laid out by what was told before.
        let choosing = self.choosing.lock().await;
        let view = self.cluster.view();
        let Some(member) = view.servers.get(name) else {
            return Err(ShapeError::Missing(format!("server '{name}' is not in the cluster")));
        };
        let before = member.attributes();
        let attributes = Attributes {
            weight: weight.unwrap_or(before.weight),
            labels: labels.unwrap_or_else(|| before.labels.clone()),
        };
        let changed = Member::with_attributes(member.id, name, attributes.clone());
        let others = view.servers.values().filter(|m| m.name != name).cloned();
        let all: Vec<Arc<Member>> = others.chain([changed]).collect();
        self.router
            .try_out(&all)
            .await
            .map_err(|e| ShapeError::Invalid(format!("field 'weight' or 'labels': {e}")))?;
        self.cluster.set_attributes(name, attributes.clone()).await?;
        // As a swap to itself: until the new rings are there, requests go by the old ones.
        match self.prepare(self.router.anew()).await {
            Ok(prepared) => drop(self.router.adopt(prepared)),
            Err(error) => {
                tracing::error!(server = name, %error, "no ring could be laid out anew");
                self.router.forget();
            }
        }
        drop(choosing);
        self.record_ring().await;
        tracing::info!(server = name, ?attributes, "other attributes");
        Ok(attributes)
    }
}
