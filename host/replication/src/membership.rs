//! Servers come, fail, return and go; shards are added; who holds what changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use ringwright_metadata::Change;
use ringwright_model::{ReplicaState, Schema, Server, Shard, Sharding, Term};
use ringwright_wire::{Adopt, Adopted, Assign, ShardServer, Stamp};

use crate::view::{ShardView, View};
use crate::{Cluster, ClusterError, Member};

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
    /// Takes charge of a server that does not belong to the cluster yet.
    ///
    /// # Errors
    /// Where it does not answer or has been adopted by a later balancer.
    pub async fn recruit(
        &self,
        id: u32,
        name: &str,
        server: Arc<dyn ShardServer>,
    ) -> Result<Recruit, ClusterError> {
        let member = Member::new(id, name);
        let (stamp, _) = self.adopt(&member, &server).await?;
        let incarnation = stamp.incarnation.clone();
        member.connect(server, stamp);
        Ok(Recruit { member, incarnation })
    }

    async fn adopt(
        &self,
        member: &Arc<Member>,
        server: &Arc<dyn ShardServer>,
    ) -> Result<(Stamp, Adopted), ClusterError> {
        self.in_charge()?;
        let epoch = self.charge.epoch();
        let adopted = self.told(member, server.adopt(Adopt { epoch })).await?;
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
                    joining.push((position, member.clone()));
                    ReplicaState::OutOfSync
                }
            };
            let (shard, server) = (shard.clone(), server.clone());
            changes.push(Change::PutReplica { shard, server, state });
        }
        self.commits.commit(changes).await?;
        self.views.publish(|view| {
            if let Some((schema, sharding)) = new.schema {
                (view.schema, view.sharding) = (Some(Arc::new(schema)), sharding);
            }
            let servers = Arc::make_mut(&mut view.servers);
            servers.extend(new.servers.iter().map(|r| (r.name().to_owned(), r.member.clone())));
            view.shards.append(&mut shards);
            for (position, member) in &joining {
                let shard = &mut view.shards[*position];
                if !shard.is_in_sync(&member.name) {
                    shard.set_in_sync(member, false);
                }
            }
        });
        self.dispatch();
        Ok(())
    }

    /// Makes a server hold a shard that nobody has written to.
    async fn create_empty(&self, member: &Arc<Member>, shard: &str) -> Result<(), ClusterError> {
        let link = member.link().ok_or_else(|| ClusterError::Away(member.name.clone()))?;
        // What an addition that failed half-way may have left there goes first.
        for (in_sync, forget) in
            [(vec![], vec![shard.to_owned()]), (vec![(shard.to_owned(), 0)], vec![])]
        {
            let assign = Assign { stamp: link.stamp.clone(), in_sync, forget };
            self.told(member, link.server.assign(assign)).await?;
        }
        Ok(())
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
        // Held, so that no batch is between a replica and its commit while it is told its VAT.
        let hold = self.hold(positions(&view, |s| s.is_in_sync(name))).await;
        let view = self.views.current();
        let mut in_sync: Vec<(String, Term)> = Vec::new();
        let mut lost: BTreeSet<usize> = BTreeSet::new();
        for (position, s) in view.shards.iter().enumerate().filter(|(_, s)| s.is_in_sync(name)) {
            let id = &s.shard.id;
            let kept = adopted.shards.iter().any(|h| h.shard == *id && h.held.is_some());
            // Nothing was ever committed to a shard at term 0, so nothing can be missing.
            if (same && kept) || s.vat == 0 {
                in_sync.push((id.clone(), s.vat));
            } else {
                lost.insert(position);
            }
        }
        let known = adopted.shards.into_iter().map(|h| h.shard);
        let forget: Vec<String> = known
            .filter(|id| !view.shard_position(id).is_some_and(|p| view.shards[p].is_replica(name)))
            .collect();
        if !in_sync.is_empty() || !forget.is_empty() {
            let assign = Assign { stamp: stamp.clone(), in_sync, forget };
            self.told(member, server.assign(assign)).await?;
        }
        let mut changes: Vec<Change> =
            lost.iter().map(|&p| out_of_sync(&view.shards[p], name)).collect();
        if !same {
            changes.push(put_server(member, &stamp.incarnation));
        }
        if !changes.is_empty() {
            self.commits.commit(changes).await?;
            self.views
                .publish(|v| lost.iter().for_each(|&p| v.shards[p].set_in_sync(member, false)));
        }
        member.connect(server, stamp);
        drop(hold);
        tracing::info!(server = name, same_database = same, lost = lost.len(), "server attached");
        Ok(())
    }

    /// Lets go of a server that failed. Where others hold its shards in sync, it does so no
    /// more; where it was the last, the shard waits for it.
    ///
    /// # Errors
    /// Where the metadata could not be changed; the server is not asked any more all the same.
    pub async fn detach(self: &Arc<Self>, name: &str) -> Result<(), ClusterError> {
        let view = self.views.current();
        let member =
            view.servers.get(name).ok_or_else(|| ClusterError::NoServer(name.to_owned()))?;
        member.disconnect();
        let others = |s: &ShardView| s.is_in_sync(name) && s.others_in_sync(name);
        let hold = self.hold(positions(&view, others)).await;
        let view = self.views.current();
        let out = positions(&view, others);
        let changes: Vec<Change> =
            out.iter().map(|&p| out_of_sync(&view.shards[p], name)).collect();
        if !changes.is_empty() {
            self.commits.commit(changes).await?;
            self.views
                .publish(|v| out.iter().for_each(|&p| v.shards[p].set_in_sync(member, false)));
        }
        drop(hold);
        Ok(())
    }

    /// Takes a replica off a server.
    ///
    /// # Errors
    /// [`ClusterError::LastReplica`] where no other replica in sync answers.
    pub async fn leave(self: &Arc<Self>, shard: &str, server: &str) -> Result<(), ClusterError> {
        let position = self
            .view()
            .shard_position(shard)
            .ok_or_else(|| ClusterError::NoShard(shard.to_owned()))?;
        let hold = self.hold(BTreeSet::from([position])).await;
        let view = self.views.current();
        may_leave(&view.shards[position], server)?;
        let (id, name) = (shard.to_owned(), server.to_owned());
        self.commits.commit(vec![Change::RemoveReplica { shard: id, server: name }]).await?;
        if let Some(member) = view.servers.get(server) {
            self.views.publish(|v| v.shards[position].remove(member));
            self.forget(member, vec![shard.to_owned()]).await;
        }
        drop(hold);
        Ok(())
    }

    /// Takes servers out of the cluster with whatever replicas they have left.
    ///
    /// # Errors
    /// [`ClusterError::LastReplica`] where a shard would be left without a replica in sync that
    /// answers; then none was removed.
    pub async fn remove_servers(self: &Arc<Self>, names: &[String]) -> Result<(), ClusterError> {
        let has_any = |s: &ShardView| names.iter().any(|n| s.is_replica(n));
        let hold = self.hold(positions(&self.views.current(), has_any)).await;
        let view = self.views.current();
        for shard in view.shards.iter().filter(|s| has_any(s)) {
            let mut left = shard.clone();
            for name in names {
                if left.is_replica(name) {
                    may_leave(&left, name)?;
                }
                if let Some(member) = view.servers.get(name) {
                    left.remove(member);
                }
            }
        }
        let changes = names.iter().map(|name| Change::RemoveServer { name: name.clone() });
        self.commits.commit(changes.collect()).await?;
        self.views.publish(|v| {
            for member in names.iter().filter_map(|name| view.servers.get(name)) {
                v.shards.iter_mut().for_each(|s| s.remove(member));
                Arc::make_mut(&mut v.servers).remove(&member.name);
            }
        });
        drop(hold);
        Ok(())
    }

    /// Best effort: what is left there is removed when the server is attached next.
    async fn forget(&self, member: &Arc<Member>, forget: Vec<String>) {
        let Some(link) = member.link() else { return };
        let assign = Assign { stamp: link.stamp.clone(), in_sync: vec![], forget };
        if let Err(error) = self.told(member, link.server.assign(assign)).await {
            tracing::debug!(%error, "a replica's rows were left behind");
        }
    }
}

/// Whether a shard can do without its replica on `server`.
fn may_leave(shard: &ShardView, server: &str) -> Result<(), ClusterError> {
    if shard.others_in_sync(server) {
        return Ok(());
    }
    Err(ClusterError::LastReplica { shard: shard.shard.id.clone(), server: server.to_owned() })
}

fn positions(view: &View, wanted: impl Fn(&ShardView) -> bool) -> BTreeSet<usize> {
    (0..view.shards.len()).filter(|&i| wanted(&view.shards[i])).collect()
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
    })
}
