//! A replica joins: copied at a fixed VAT, brought near by deltas while writes go on, and made
//! in sync with the last delta while the shard is held.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use ringwright_events::tell;
use ringwright_metadata::Change;
use ringwright_model::{Key, ReplicaState, Term};
use ringwright_trace::RequestId;
use ringwright_wire::{Adopt, Export, Import, ImportFinish, ImportStart, Page, Version, WireError};
use tracing::{Instrument, info_span};

use crate::member::Link;
use crate::view::View;
use crate::{Cluster, ClusterError, CopyProgress, Member};

/// Row versions of one page.
const PAGE: u32 = 2_000;

/// A delta with fewer versions than this is short enough to take while the shard is held.
const SHORT: usize = 500;

/// Deltas taken before the shard is held whatever their length: a writer faster than the copy
/// would be chased for ever.
const CHASES: usize = 8;

/// The name of a replica's turn: one attempt to join at a time.
pub(crate) fn join_turn(shard: &str, server: &str) -> String {
    format!("join {shard} {server}")
}

/// One attempt to join.
struct Joining<'a> {
    cluster: &'a Cluster,
    shard: &'a str,
    position: usize,
    source: (Arc<Member>, Arc<Link>),
    target: (Arc<Member>, Arc<Link>),
    number: u64,
    page: u64,
    copied: usize,
    /// Whether everything is copied, not only what was missed.
    full: bool,
    copy: Arc<CopyProgress>,
    /// Where the target's own history begins.
    history: Term,
}

impl Cluster {
    /// Brings a replica that is out of sync into sync; reads and writes of the shard go on.
    ///
    /// # Errors
    /// Where a server fails on the way: the replica stays out of sync, and can be tried again.
    pub async fn join(self: &Arc<Self>, shard: &str, server: &str) -> Result<(), ClusterError> {
        let _turn = self.keyed.lock(&join_turn(shard, server)).await;
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
        tell!(self.events(), INFO, CopyBegun, shard = shard, server = server,
            from = source.0.name.as_str(); "a replica is copied");
        let number = self.next_number();
        let joining = Joining {
            cluster: self,
            shard,
            position,
            source,
            target,
            number,
            page: 0,
            copied: 0,
            full: false,
            copy: self.copies.begin(shard, server),
            history: 0,
        };
        let named = || RequestId::named(format_args!("copy-{}-{number}", self.charge.epoch()));
        let id = RequestId::current().unwrap_or_else(named);
        let span = info_span!("copy", request_id = id.as_str(), shard, server);
        match id.run(self.copy(joining, state.vat)).instrument(span).await {
            Ok(copied) => {
                let took = self.clock.now().saturating_sub(began);
                tell!(self.events(), INFO, ReplicaInSync, shard = shard, server = server,
                    versions = copied, seconds = took.as_secs_f64(); "a replica is in sync");
                Ok(())
            }
            Err(error) => {
                tell!(self.events(), WARN, CopyFailed, shard = shard, server = server,
                    error = error.to_string(); "a replica could not be copied");
                Err(error)
            }
        }
    }

    /// Copies what is committed, and what is written meanwhile, until the replica is in sync;
    /// answers how many versions that were.
    async fn copy(
        self: &Arc<Self>,
        mut joining: Joining<'_>,
        upto: Term,
    ) -> Result<usize, ClusterError> {
        let (shard, position) = (joining.shard, joining.position);
        let mut held = joining.begin(upto).await?;
        joining.holds(Some(held));
        for _ in 0..CHASES {
            let vat = joining.vat()?;
            let before = joining.copied;
            joining.delta(held, vat).await?;
            held = vat;
            joining.holds(Some(held));
            if joining.copied - before < SHORT {
                break;
            }
        }
        let (hold, _) = self.hold_all(|s| s.shard.id == shard).await?;
        let vat = joining.vat()?;
        joining.delta(held, vat).await?;
        let Joining { copied, full, copy, target: (member, link), .. } = joining;
        let server = member.name.clone();
        tell!(self.events(), INFO, CopyDone, shard = shard, server = server.as_str(),
            versions = copied, full = full; "a replica has all rows");
        self.assign(&member, &link, vec![(shard.to_owned(), vat)], vec![]).await?;
        let change = Change::PutReplica {
            shard: shard.to_owned(),
            server: server.clone(),
            state: ReplicaState::InSync,
        };
        let show = move |view: &mut View| view.shards[position].set_in_sync(&member, true);
        let hold = self.settle(Some(hold), vec![change], show).await?;
        self.diverged.lock().remove(&(shard.to_owned(), server));
        drop(hold);
        copy.done();
        Ok(copied)
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
            if matches!(error, WireError::Unreachable { .. } | WireError::Timeout { .. }) {
                self.suspect(member);
            }
            ClusterError::Server { server: member.name.clone(), error }
        })
    }
}

impl<'a> Joining<'a> {
    /// The term the source holds everything of, now.
    ///
    /// A source that fell out of sync may hold what was never committed, at terms that since
    /// were: it must not be copied from any more.
    fn vat(&self) -> Result<Term, ClusterError> {
        let view = self.cluster.views.current();
        let state = &view.shards[self.position];
        let ended = |why| {
            let (shard, server) = (self.shard.to_owned(), self.target.0.name.clone());
            Err(ClusterError::JoinEnded { shard, server, why })
        };
        if !state.is_replica(&self.target.0.name) {
            return ended("it is to be no replica any more");
        }
        if !state.is_in_sync(&self.source.0.name) {
            return ended("the server it was copied from fell out of sync");
        }
        Ok(state.vat)
    }

    /// Brings the target to `upto`: by deltas from what it held when it left, where its
    /// database and the source's history allow, else by a full copy.
    async fn begin(&mut self, upto: Term) -> Result<Term, ClusterError> {
        let (member, link) = &self.target;
        let adopt = Adopt { epoch: link.stamp.epoch, cluster: self.cluster.id.clone() };
        let adopted = self.cluster.told(member, link.ask(link.server.adopt(adopt))).await?;
        let pair = (self.shard.to_owned(), member.name.clone());
        let built_upon = !self.cluster.diverged.lock().contains(&pair);
        let holding = adopted.shards.into_iter().find(|h| built_upon && h.shard == self.shard);
        if let Some((held, safe_point)) = holding.and_then(|h| Some((h.held?, h.safe_point)))
            && held <= upto
        {
            self.history = safe_point;
            self.holds(Some(held));
            match self.run(Some(held), upto, Some(ImportStart::Held(held))).await {
                Err(ClusterError::Server { error: WireError::BelowSafePoint { .. }, .. }) => {
                    // The pages so far count for nothing: another attempt starts from page 0.
                    self.number = self.cluster.next_number();
                    self.page = 0;
                }
                other => return other.map(|()| upto),
            }
        }
        self.history = upto; // a copy knows nothing of before
        self.full = true;
        self.holds(None); // and begins with nothing
        let expected = self.expected();
        tokio::select! {
            biased;
            copied = self.run(None, upto, Some(ImportStart::Empty)) => copied.map(|()| upto),
            never = expected => match never {},
        }
    }

    /// Shows up to which term the target holds everything.
    fn holds(&self, upto: Option<Term>) {
        let (position, name) = (self.position, &self.target.0.name);
        self.cluster.views.publish(|view| view.shards[position].set_held(name, upto));
    }

    /// Finds out, beside the copy, how much it is; never ready.
    fn expected(&self) -> impl Future<Output = Infallible> + use<'a> {
        let (cluster, link, copy) = (self.cluster, self.source.1.clone(), self.copy.clone());
        let shards = vec![self.shard.to_owned()];
        async move {
            if let Some((_, volume)) = cluster.measure(link, shards).await.pop() {
                copy.expect(volume.rows);
            }
            pending().await
        }
    }

    async fn delta(&mut self, after: Term, upto: Term) -> Result<(), ClusterError> {
        if after == upto {
            return Ok(());
        }
        self.run(Some(after), upto, None).await
    }

    /// One run of pages from source to target: while one is taken, the next is fetched.
    async fn run(
        &mut self,
        after: Option<Term>,
        upto: Term,
        mut start: Option<ImportStart>,
    ) -> Result<(), ClusterError> {
        let mut page = self.fetch(after, upto, None).await?;
        loop {
            self.copied += page.versions.len();
            self.copy.sent(page.versions.len());
            let cursor = page.cursor;
            let finish = cursor.is_none().then_some(ImportFinish {
                held: upto,
                safe_point: self.history.max(page.safe_point),
            });
            let import = self.import(page.versions, start.take(), finish);
            let next = async {
                match cursor {
                    Some(_) => self.fetch(after, upto, cursor).await.map(Some),
                    None => Ok(None),
                }
            };
            let (next, ()) = tokio::try_join!(next, import)?;
            self.page += 1;
            self.vat()?;
            match next {
                Some(next) => page = next,
                None => return Ok(()),
            }
        }
    }

    async fn fetch(
        &self,
        after: Option<Term>,
        upto: Term,
        cursor: Option<(Key, Term)>,
    ) -> Result<Page, ClusterError> {
        let (source, from) = &self.source;
        let export = Export {
            stamp: from.stamp.clone(),
            shard: self.shard.to_owned(),
            after,
            upto,
            cursor,
            limit: PAGE,
        };
        self.cluster.told(source, from.ask(from.server.export(export))).await
    }

    async fn import(
        &self,
        versions: Vec<Version>,
        start: Option<ImportStart>,
        finish: Option<ImportFinish>,
    ) -> Result<(), ClusterError> {
        let (target, to) = &self.target;
        let import = Import {
            stamp: to.stamp.clone(),
            shard: self.shard.to_owned(),
            join: self.number,
            page: self.page,
            start,
            versions,
            finish,
        };
        self.cluster.told(target, to.ask(to.server.import(import))).await
    }
}
