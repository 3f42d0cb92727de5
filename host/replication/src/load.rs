//! What the cluster carries: how much its shards hold, and how often they and its servers are
//! asked.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::future::join_all;
use ringwright_wire::{Measure, Volume};

use crate::member::Link;
use crate::{Cluster, Member, ShardView};

/// What the cluster carries, as far as it is known.
#[derive(Clone, Debug, Default)]
pub struct Load {
    /// Of the shards, by name.
    pub shards: HashMap<String, ShardLoad>,
    /// Requests a second of the servers, by name: reads asked of them and writes sent to them.
    pub servers: HashMap<String, f64>,
}

/// What a shard carries; `None` is what is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ShardLoad {
    /// Rows and bytes of one copy.
    pub volume: Option<Volume>,
    /// Reads and writes a second.
    pub requests: Option<f64>,
}

impl Cluster {
    /// What the cluster carries now. For how much a shard holds, one of its servers is asked;
    /// where none answers in time it is not known.
    pub async fn load(&self) -> Load {
        let (view, now) = (self.views.current(), self.clock.now());
        let mut holders: BTreeMap<&str, (Arc<Link>, Vec<String>)> = BTreeMap::new();
        for shard in &view.shards {
            if let Some((member, link)) = shard.in_sync.iter().find_map(reachable) {
                let (_, held) = holders.entry(member).or_insert_with(|| (link, Vec::new()));
                held.push(shard.shard.id.clone());
            }
        }
        let asked = holders.into_values().map(|(link, shards)| self.measure(link, shards));
        let mut volumes: HashMap<String, Volume> =
            join_all(asked).await.into_iter().flatten().collect();
        let shard = |s: &ShardView| {
            let id = &s.shard.id;
            let (volume, requests) = (volumes.remove(id), s.requests.per_second(now));
            (id.clone(), ShardLoad { volume, requests })
        };
        let server = |m: &Arc<Member>| Some((m.name.clone(), m.requests.per_second(now)?));
        Load {
            shards: view.shards.iter().map(shard).collect(),
            servers: view.servers.values().filter_map(server).collect(),
        }
    }

    pub(crate) async fn measure(
        &self,
        link: Arc<Link>,
        shards: Vec<String>,
    ) -> Vec<(String, Volume)> {
        let measure = Measure { stamp: link.stamp.clone(), shards: shards.clone() };
        // Many rows may take as long to count as to write.
        let limit = self.settings.write_timeout;
        match self.within(limit, link.ask(link.server.measure(measure))).await {
            Ok(measured) => {
                let each = shards.into_iter().zip(measured.volumes);
                each.filter_map(|(id, volume)| Some((id, volume?))).collect()
            }
            Err(error) => {
                tracing::warn!(?shards, %error, "how much these shards hold is not known");
                Vec::new()
            }
        }
    }

    /// Notes how many requests there were until now.
    pub(crate) fn sample_requests(&self) {
        let (view, now) = (self.views.current(), self.clock.now());
        view.shards.iter().for_each(|s| s.requests.sample(now));
        view.servers.values().for_each(|m| m.requests.sample(now));
    }
}

fn reachable(member: &Arc<Member>) -> Option<(&str, Arc<Link>)> {
    let link = member.link().filter(|_| !member.is_suspect())?;
    Some((&member.name, link))
}
