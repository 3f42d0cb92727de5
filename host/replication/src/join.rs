//! A replica joins: copied at a fixed VAT, brought near by deltas while writes go on, and made
//! in sync with the last delta while the shard is held.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ringwright_metadata::Change;
use ringwright_model::{ReplicaState, Term};
use ringwright_wire::{Adopt, Assign, Export, Import, ImportFinish, ImportStart, WireError};

use crate::member::Link;
use crate::view::View;
use crate::{Cluster, ClusterError, Member};

/// Row versions of one page.
const PAGE: u32 = 2_000;

/// A delta with fewer versions than this is short enough to take while the shard is held.
const SHORT: usize = 500;

/// Deltas taken before the shard is held whatever their length: a writer faster than the copy
/// would be chased for ever.
const CHASES: usize = 8;

/// One attempt to join.
struct Joining<'a> {
    cluster: &'a Cluster,
    shard: &'a str,
    source: (Arc<Member>, Arc<Link>),
    target: (Arc<Member>, Arc<Link>),
    join: u64,
    page: u64,
    copied: usize,
    /// Where the target's own history begins.
    history: Term,
}

impl Cluster {
    /// Brings a replica that is out of sync into sync; reads and writes of the shard go on.
    ///
    /// # Errors
    /// Where a server fails on the way: the replica stays out of sync, and can be tried again.
    pub async fn join(self: &Arc<Self>, shard: &str, server: &str) -> Result<(), ClusterError> {
        let _turn = self.keyed.lock(&format!("join {shard} {server}")).await;
        // As long as this view lives, no version that it can see is collected.
        let view = self.views.current();
        let position =
            view.shard_position(shard).ok_or_else(|| ClusterError::NoShard(shard.to_owned()))?;
        let state = &view.shards[position];
        if state.is_in_sync(server) {
            return Ok(());
        }
        let target = self.linked(&view, server)?;
        let source = state
            .in_sync
            .iter()
            .filter_map(|m| Some((m.clone(), m.link()?)))
            .min_by_key(|(m, _)| m.is_suspect())
            .ok_or_else(|| ClusterError::NoSource(shard.to_owned()))?;
        let began = self.clock.now();
        let mut joining = Joining {
            cluster: self,
            shard,
            source,
            target,
            join: self.joins.fetch_add(1, Ordering::Relaxed) + 1,
            page: 0,
            copied: 0,
            history: 0,
        };
        let mut held = joining.begin(state.vat).await?;
        for _ in 0..CHASES {
            let vat = self.views.current().shards[position].vat;
            let before = joining.copied;
            joining.delta(held, vat).await?;
            held = vat;
            if joining.copied - before < SHORT {
                break;
            }
        }
        let hold = self.hold(BTreeSet::from([position])).await;
        let vat = self.views.current().shards[position].vat;
        joining.delta(held, vat).await?;
        self.admit(position, shard, vat, &joining.target).await?;
        drop(hold);
        let took = self.clock.now().saturating_sub(began);
        tracing::info!(shard, server, versions = joining.copied, ?took, "a replica is in sync");
        Ok(())
    }

    /// Makes the target a replica in sync; the shard is held.
    async fn admit(
        &self,
        position: usize,
        shard: &str,
        vat: Term,
        (member, link): &(Arc<Member>, Arc<Link>),
    ) -> Result<(), ClusterError> {
        let in_sync = vec![(shard.to_owned(), vat)];
        let assign = Assign { stamp: link.stamp.clone(), in_sync, forget: vec![] };
        self.told(member, link.server.assign(assign)).await?;
        self.commits
            .commit(vec![Change::PutReplica {
                shard: shard.to_owned(),
                server: member.name.clone(),
                state: ReplicaState::InSync,
            }])
            .await?;
        self.diverged.lock().remove(&(shard.to_owned(), member.name.clone()));
        self.views.publish(|view| view.shards[position].set_in_sync(member, true));
        Ok(())
    }

    /// A server's member and the way to it.
    pub(crate) fn linked(
        &self,
        view: &View,
        server: &str,
    ) -> Result<(Arc<Member>, Arc<Link>), ClusterError> {
        let member =
            view.servers.get(server).ok_or_else(|| ClusterError::NoServer(server.to_owned()))?;
        let link = member.link().ok_or_else(|| ClusterError::Away(server.to_owned()))?;
        Ok((member.clone(), link))
    }

    /// Names the server in its error, and takes note of it.
    pub(crate) async fn told<T>(
        &self,
        member: &Arc<Member>,
        call: impl Future<Output = Result<T, WireError>>,
    ) -> Result<T, ClusterError> {
        self.within(self.settings.write_timeout, call).await.map_err(|error| {
            if matches!(error, WireError::Unreachable { .. }) {
                self.suspect(member);
            }
            ClusterError::Server { server: member.name.clone(), error }
        })
    }
}

impl Joining<'_> {
    /// Brings the target to `upto`: by deltas from what it held when it left, where its
    /// database and the source's history allow, else by a full copy.
    async fn begin(&mut self, upto: Term) -> Result<Term, ClusterError> {
        let (member, link) = &self.target;
        let adopt = Adopt { epoch: link.stamp.epoch };
        let adopted = self.cluster.told(member, link.server.adopt(adopt)).await?;
        let pair = (self.shard.to_owned(), member.name.clone());
        let built_upon = !self.cluster.diverged.lock().contains(&pair);
        let holding = adopted.shards.into_iter().find(|h| built_upon && h.shard == self.shard);
        if let Some((held, safe_point)) = holding.and_then(|h| Some((h.held?, h.safe_point)))
            && held <= upto
        {
            self.history = safe_point;
            match self.run(Some(held), upto, Some(ImportStart::Held(held))).await {
                Err(ClusterError::Server { error: WireError::BelowSafePoint { .. }, .. }) => {
                    // The pages so far count for nothing: another attempt starts from page 0.
                    self.join = self.cluster.joins.fetch_add(1, Ordering::Relaxed) + 1;
                    self.page = 0;
                }
                other => return other.map(|()| upto),
            }
        }
        self.history = upto; // a copy knows nothing of before
        self.run(None, upto, Some(ImportStart::Empty)).await?;
        Ok(upto)
    }

    async fn delta(&mut self, after: Term, upto: Term) -> Result<(), ClusterError> {
        if after == upto {
            return Ok(());
        }
        self.run(Some(after), upto, None).await
    }

    /// One run of pages from source to target.
    async fn run(
        &mut self,
        after: Option<Term>,
        upto: Term,
        mut start: Option<ImportStart>,
    ) -> Result<(), ClusterError> {
        let mut cursor = None;
        loop {
            let (source, from) = &self.source;
            let export = Export {
                stamp: from.stamp.clone(),
                shard: self.shard.to_owned(),
                after,
                upto,
                cursor,
                limit: PAGE,
            };
            let page = self.cluster.told(source, from.server.export(export)).await?;
            cursor = page.cursor;
            self.copied += page.versions.len();
            let finish = cursor.is_none().then_some(ImportFinish {
                held: upto,
                safe_point: self.history.max(page.safe_point),
            });
            let (target, to) = &self.target;
            let import = Import {
                stamp: to.stamp.clone(),
                shard: self.shard.to_owned(),
                join: self.join,
                page: self.page,
                start: start.take(),
                versions: page.versions,
                finish,
            };
            self.cluster.told(target, to.server.import(import)).await?;
            self.page += 1;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }
}
