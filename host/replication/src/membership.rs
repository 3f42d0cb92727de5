//! Servers come, fail, return and go; shards are added; who holds what changes.

use std::sync::Arc;

use ringwright_events::tell;
use ringwright_metadata::Change;
use ringwright_model::{Attributes, ReplicaState, Schema, Server, Shard, Sharding, Term};
use ringwright_wire::{Adopt, Adopted, Assign, ShardServer, Stamp, WireError};

use crate::join::join_turn;
use crate::view::{ShardView, View};
use crate::{Cluster, ClusterError, Link, Member};

/// A server that is to belong to the cluster, adopted already.
pub struct Recruit {
    member: Arc<Member>,
    incarnation: String,
}

impl Recruit {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.member.name
    }
}

/// What is to be added to the cluster, all of it or nothing.
#[derive(Default)]
pub struct Expansion {
    /// Set once, by the first.
    pub schema: Option<(Schema, Sharding)>,
    /// New servers.
    pub servers: Vec<Recruit>,
    /// New shards.
    pub shards: Vec<Shard>,
    /// Who is to hold what: shard and server. Replicas of new shards are in sync at once, those
    /// of others are out of sync until they join.
    pub replicas: Vec<(String, String)>,
}

impl Cluster {
    /// Takes charge of a server that does not belong to the cluster yet, as this member of it.
    ///
    /// # Errors
    /// Where it does not answer or has been adopted by a later balancer.
    pub async fn recruit(
        &self,
        member: Arc<Member>,
        server: Arc<dyn ShardServer>,
    ) -> Result<Recruit, ClusterError> {
        let (stamp, _) = self.adopt(&member, &server).await?;
        let incarnation = stamp.incarnation.clone();
        member.connect(Link::new(server, stamp));
        Ok(Recruit { member, incarnation })
    }

    async fn adopt(
        &self,
        member: &Arc<Member>,
        server: &Arc<dyn ShardServer>,
    ) -> Result<(Stamp, Adopted), ClusterError> {
        self.charge.check()?;
        let epoch = self.charge.epoch();
        let adopt = Adopt { epoch, cluster: self.id.clone() };
        let adopted = self.told(member, server.adopt(adopt)).await?;
        let view = self.views.current();
        let same = |m: &&Arc<Member>| {
            m.name != member.name && m.incarnation().is_some_and(|i| *i == adopted.incarnation)
        };
        if let Some(other) = view.servers.values().find(same) {
            // A copied disk, or one database under two names: one would undo the other's work.
            return Err(ClusterError::SameDatabase {
                server: member.name.clone(),
                other: other.name.clone(),
            });
        }
        Ok((Stamp { epoch, incarnation: adopted.incarnation.clone() }, adopted))
    }

    /// Adds servers, shards and replicas in one step.
    ///
    /// # Errors
    /// Where a name is taken or unknown, or a server that is to hold a new shard fails; then
    /// nothing was added.
    pub async fn expand(self: &Arc<Self>, new: Expansion) -> Result<(), ClusterError> {
        let view = self.views.current();
        let taken = new.servers.iter().find(|r| view.servers.contains_key(r.name()));
        if let Some(taken) = taken {
            return Err(ClusterError::Exists(taken.name().to_owned()));
        }
        if let Some(taken) = new.shards.iter().find(|s| view.shard_position(&s.id).is_some()) {
            return Err(ClusterError::Exists(taken.id.clone()));
        }
        let mut shards: Vec<ShardView> = new.shards.iter().cloned().map(ShardView::new).collect();
        let mut changes = Vec::new();
        if let Some((schema, sharding)) = &new.schema {
            changes.push(Change::Schema(schema.clone(), *sharding));
        }
        changes.extend(new.shards.iter().cloned().map(Change::AddShard));
        changes.extend(new.servers.iter().map(|r| put_server(&r.member, &r.incarnation)));
        let mut joining = Vec::new();
        for (shard, server) in &new.replicas {
            let recruit = new.servers.iter().find(|r| r.name() == server);
            let member = recruit
                .map(|r| &r.member)
                .or_else(|| view.servers.get(server))
                .ok_or_else(|| ClusterError::NoServer(server.clone()))?;
            let state = match shards.iter_mut().find(|s| s.shard.id == *shard) {
                Some(fresh) => {
                    self.create_empty(member, shard).await?;
                    fresh.set_in_sync(member, true);
                    ReplicaState::InSync
                }
                None => {
                    let position = view
                        .shard_position(shard)
                        .ok_or_else(|| ClusterError::NoShard(shard.clone()))?;
                    if view.shards[position].is_replica(server) {
                        continue;
                    }
                    joining.push((position, member.clone()));
                    ReplicaState::OutOfSync
                }
            };
            let (shard, server) = (shard.clone(), server.clone());
            changes.push(Change::PutReplica { shard, server, state });
        }
        let show = move |view: &mut View| {
            if let Some((schema, sharding)) = new.schema {
                (view.schema, view.sharding) = (Some(Arc::new(schema)), sharding);
            }
            let servers = Arc::make_mut(&mut view.servers);
            servers.extend(new.servers.iter().map(|r| (r.name().to_owned(), r.member.clone())));
            view.shards.append(&mut shards);
            for (position, member) in &joining {
                view.shards[*position].set_in_sync(member, false);
            }
        };
        drop(self.settle(None, changes, show).await?);
        self.dispatch();
        Ok(())
    }

    /// Makes a server hold a shard that nobody has written to.
    async fn create_empty(&self, member: &Arc<Member>, shard: &str) -> Result<(), ClusterError> {
        // What an addition that failed half-way may have left there goes first.
        let (forget, in_sync) = (vec![shard.to_owned()], vec![(shard.to_owned(), 0)]);
        let link = member.link().ok_or_else(|| ClusterError::Away(member.name.clone()))?;
        self.assign(member, &link, in_sync, forget).await
    }

    /// Tells a server what it holds in sync, and what it is to forget.
    pub(crate) async fn assign(
        &self,
        member: &Arc<Member>,
        link: &Link,
        in_sync: Vec<(String, Term)>,
        forget: Vec<String>,
    ) -> Result<(), ClusterError> {
        let (stamp, number) = (link.stamp.clone(), self.next_number());
        let assign = Assign { stamp, number, in_sync, forget };
        self.told(member, link.ask(link.server.assign(assign))).await
    }

    /// Connects a server of the cluster that runs: at the start of a balancer, and when a
    /// server that was away returns.
    ///
    /// Where its database is still the one it had, what it held in sync it holds in sync;
    /// another database holds nothing.
    ///
    /// # Errors
    /// Where it does not answer or has been adopted by a later balancer.
    pub async fn attach(
        self: &Arc<Self>,
        name: &str,
        server: Arc<dyn ShardServer>,
    ) -> Result<(), ClusterError> {
        let view = self.views.current();
        let member =
            view.servers.get(name).ok_or_else(|| ClusterError::NoServer(name.to_owned()))?;
        let (stamp, adopted) = self.adopt(member, &server).await?;
        let same = member.incarnation().is_some_and(|i| *i == stamp.incarnation);
        // All its replicas are held: no batch is between one of them and its commit while it is
        // told its VAT, and none is admitted on the word of the database that was there before.
        let (hold, view) = self.hold_all(|s| s.is_replica(name)).await?;
        let is_lost = |s: &ShardView| {
            let kept = adopted.shards.iter().any(|h| h.shard == s.shard.id && h.held.is_some());
            // Nothing was ever committed to a shard at term 0, so nothing can be missing.
            !(same && kept || s.vat == 0)
        };
        let mut lost = view.positions(|s| s.is_in_sync(name) && is_lost(s));
        let link = Link::new(server, stamp);
        let forget: Vec<String> = adopted
            .shards
            .iter()
            .map(|h| h.shard.clone())
            .filter(|id| !view.shard_position(id).is_some_and(|p| view.shards[p].is_replica(name)))
            .collect();
        loop {
            if let Some(&last) = lost.iter().find(|&&p| view.shards[p].in_sync.len() == 1) {
                // The disk that has it may come back; this one must not take its place.
                let (shard, server) = (view.shards[last].shard.id.clone(), name.to_owned());
                return Err(ClusterError::LastDisk { shard, server });
            }
            let kept = view.positions(|s| s.is_in_sync(name));
            let in_sync: Vec<(String, Term)> = kept
                .difference(&lost)
                .map(|&p| (view.shards[p].shard.id.clone(), view.shards[p].vat))
                .collect();
            if in_sync.is_empty() && forget.is_empty() {
                break;
            }
            match self.assign(member, &link, in_sync, forget.clone()).await {
                Ok(()) => break,
                // Its disk went back in time: one shard less, and what is left of it is used.
                Err(ClusterError::Server {
                    error: WireError::NotHeld { shard } | WireError::Stale { shard },
                    ..
                }) if view.shard_position(&shard).is_some_and(|p| lost.insert(p)) => {
                    tracing::warn!(server = name, shard, "a replica is not what it was");
                }
                Err(error) => return Err(error),
            }
        }
        let mut changes: Vec<Change> =
            lost.iter().map(|&p| out_of_sync(&view.shards[p], name)).collect();
        let fallen: Vec<String> = lost.iter().map(|&p| view.shards[p].shard.id.clone()).collect();
        if !same {
            changes.push(put_server(member, &link.stamp.incarnation));
        }
        let (lost_count, returned) = (lost.len(), member.clone());
        let show = move |v: &mut View| {
            lost.iter().for_each(|&p| v.shards[p].set_in_sync(&returned, false));
            returned.connect(link);
        };
        drop(self.settle(Some(hold), changes, show).await?);
        for shard in fallen {
            tell!(self.events(), WARN, ReplicaOutOfSync, shard = shard, server = name;
                "a replica fell out of sync: its server returned without it");
        }
        tracing::info!(server = name, same_database = same, lost = lost_count, "server attached");
        Ok(())
    }

    /// Lets go of a server that failed: nothing is asked of it any more.
    ///
    /// What it holds in sync it still does, until the first write goes on without it. So a
    /// server that returns before that has missed nothing, and where it was the last in sync,
    /// the shard waits for it.
    ///
    /// # Errors
    /// Where there is no such server.
    pub fn detach(&self, name: &str) -> Result<(), ClusterError> {
        let view = self.views.current();
        let member =
            view.servers.get(name).ok_or_else(|| ClusterError::NoServer(name.to_owned()))?;
        member.disconnect();
        Ok(())
    }

    /// Takes a replica off a server.
    ///
    /// # Errors
    /// [`ClusterError::LastReplica`] where no other replica in sync answers.
    pub async fn leave(self: &Arc<Self>, shard: &str, server: &str) -> Result<(), ClusterError> {
        let (hold, view) = self.hold_all(|s| s.shard.id == shard).await?;
        let position =
            view.shard_position(shard).ok_or_else(|| ClusterError::NoShard(shard.to_owned()))?;
        may_leave(&view.shards[position], server)?;
        let (id, name) = (shard.to_owned(), server.to_owned());
        let changes = vec![Change::RemoveReplica { shard: id, server: name }];
        let Some(member) = view.servers.get(server).cloned() else { return Ok(()) };
        let leaver = member.clone();
        let show = move |v: &mut View| v.shards[position].remove(&leaver);
        drop(self.settle(Some(hold), changes, show).await?);
        self.forget(&member, shard).await;
        Ok(())
    }

    /// Takes servers out of the cluster with whatever replicas they have left.
    ///
    /// # Errors
    /// [`ClusterError::LastReplica`] where a shard would be left without a replica in sync that
    /// answers; then none was removed.
    pub async fn remove_servers(self: &Arc<Self>, names: &[String]) -> Result<(), ClusterError> {
        let (hold, view) = self.hold_all(|s| names.iter().any(|n| s.is_replica(n))).await?;
        for shard in &view.shards {
            let mut left = shard.clone();
            for name in names.iter().filter(|name| shard.is_replica(name)) {
                may_leave(&left, name)?;
                if let Some(member) = view.servers.get(name) {
                    left.remove(member);
                }
            }
        }
        let changes =
            names.iter().map(|name| Change::RemoveServer { name: name.clone() }).collect();
        let leavers: Vec<Arc<Member>> =
            names.iter().filter_map(|name| view.servers.get(name).cloned()).collect();
        let show = move |v: &mut View| {
            for member in &leavers {
                v.shards.iter_mut().for_each(|s| s.remove(member));
                Arc::make_mut(&mut v.servers).remove(&member.name);
                member.disconnect();
            }
        };
        drop(self.settle(Some(hold), changes, show).await?);
        Ok(())
    }

    /// Has a server drop the rows of a replica it has no more. Best effort: what is left there
    /// is removed when the server is attached next.
    async fn forget(&self, member: &Arc<Member>, shard: &str) {
        // A join that was under way ends by itself, now that there is no replica; only then is
        // the number drawn, so that a join of later is told from it.
        let _turn = self.keyed.lock(&join_turn(shard, &member.name)).await;
        let view = self.views.current();
        if view.shard_position(shard).is_some_and(|p| view.shards[p].is_replica(&member.name)) {
            return;
        }
        let Some(link) = member.link() else { return };
        if let Err(error) = self.assign(member, &link, vec![], vec![shard.to_owned()]).await {
            tracing::debug!(%error, "a replica's rows were left behind");
        }
    }
}

/// Whether a shard can do without its replica on `server`.
fn may_leave(shard: &ShardView, server: &str) -> Result<(), ClusterError> {
    if !shard.is_in_sync(server) || shard.others_in_sync(server) {
        return Ok(());
    }
    Err(ClusterError::LastReplica { shard: shard.shard.id.clone(), server: server.to_owned() })
}

fn out_of_sync(shard: &ShardView, server: &str) -> Change {
    Change::PutReplica {
        shard: shard.shard.id.clone(),
        server: server.to_owned(),
        state: ReplicaState::OutOfSync,
    }
}

fn put_server(member: &Member, incarnation: &str) -> Change {
    Change::PutServer(Server {
        id: member.id,
        name: member.name.clone(),
        incarnation: Some(incarnation.to_owned()),
        attributes: Attributes::clone(&member.attributes()),
    })
}
