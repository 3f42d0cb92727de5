//! Who holds what, at a balancer: joins, servers that come back, servers let go.

use crate::balancer::{Attach, Balancer, Join, JoinStage};
use crate::cases::{Case, Term, bits, has};
use crate::server::{Page, Refused};
use crate::state::{Body, Message, State};

impl Balancer {
    pub fn waits_for_call(&self, call: u8) -> bool {
        let joining = |j: &Join| j.stage == JoinStage::Assigning(call);
        self.join.as_ref().is_some_and(joining)
            || self.attach.as_ref().is_some_and(|a| a.call == Some(call))
    }
}

impl State {
    /// A replica begins to join: by deltas from what it holds, else by a copy.
    pub fn start_join(&mut self, case: &Case, by: u8, shard: u8, server: u8, source: u8) {
        if self.server(server).adopt(by + 1).is_err() {
            return self.balancer(by).stand_down();
        }
        let vat = self.balancer(by).view.vat[usize::from(shard)];
        let here = self.server(server).shards[usize::from(shard)].as_ref();
        let held = here.and_then(|s| Some((s.held?, s.safe_point))).filter(|(h, _)| *h <= vat);
        self.balancer(by).joins += 1;
        let join = Join {
            shard,
            server,
            source,
            number: self.balancer(by).joins,
            vat,
            page: 0,
            from: held.map(|(held, _)| held),
            upto: vat,
            rest: Vec::new(),
            history: held.map_or(vat, |(_, safe_point)| safe_point),
            stage: JoinStage::Copying,
            holds: false,
        };
        self.balancer(by).join = Some(join);
        if !self.export(case, by) && held.is_some() {
            // The source's history does not reach back: everything, then.
            if let Some(join) = &mut self.balancer(by).join {
                (join.from, join.history) = (None, vat);
                self.export(case, by);
            }
        }
    }

    /// Takes a run of pages from the source and sends the first. Says whether there was any;
    /// where the source refuses for another reason than its history, the join ends.
    fn export(&mut self, case: &Case, by: u8) -> bool {
        let Some(join) = self.balancer(by).join.clone() else { return false };
        let Some(stamp) = self.stamp(by, join.source) else {
            self.balancer(by).abandon_join();
            return true;
        };
        let source = self.server(join.source);
        match source.export(&case.rules, stamp, join.shard, join.from, join.upto) {
            Ok((versions, safe_point)) => {
                if let Some(join) = &mut self.balancer(by).join {
                    join.rest = versions;
                    join.history = join.history.max(safe_point);
                }
                self.send_page(case, by);
                true
            }
            Err(Refused::BelowSafePoint) if join.from.is_some() && join.page == 0 => false,
            Err(Refused::Deposed) => {
                self.balancer(by).stand_down();
                true
            }
            Err(_) => {
                self.balancer(by).abandon_join();
                true
            }
        }
    }

    fn send_page(&mut self, case: &Case, by: u8) {
        let Some(to) = self.balancer(by).join.as_ref().map(|j| j.server) else { return };
        let Some(stamp) = self.stamp(by, to) else { return self.balancer(by).abandon_join() };
        let Some(join) = &mut self.balancer(by).join else { return };
        let rest = join.rest.split_off(join.rest.len().min(case.page));
        let versions = std::mem::replace(&mut join.rest, rest);
        let page = Page {
            shard: join.shard,
            join: join.number,
            number: join.page,
            from: join.from,
            versions,
            finish: join.rest.is_empty().then_some((join.upto, join.history)),
        };
        self.send(case, Message { to, from: by, stamp, body: Body::Import(page) });
    }

    /// The target has taken a page.
    pub fn page_taken(&mut self, case: &Case, by: u8) {
        let Some(join) = &mut self.balancer(by).join else { return };
        join.page += 1;
        if !join.rest.is_empty() {
            return self.send_page(case, by);
        }
        match join.stage {
            JoinStage::Copying => join.stage = JoinStage::Copied,
            JoinStage::LastDelta => self.tell_in_sync(case, by),
            _ => {}
        }
    }

    /// Holds the shard, takes the last delta, and tells the target that it is in sync.
    pub fn last_delta(&mut self, case: &Case, by: u8) {
        let balancer = self.balancer(by);
        let Some(join) = &mut balancer.join else { return };
        let in_sync = balancer.view.in_sync[usize::from(join.shard)];
        if case.rules.source_stays_in_sync && !has(in_sync, join.source) {
            return balancer.abandon_join();
        }
        if case.rules.hold_lock_for_last_delta {
            balancer.busy |= 1 << join.shard;
            join.holds = true;
        }
        let vat = balancer.view.vat[usize::from(join.shard)];
        join.stage = JoinStage::LastDelta;
        if join.upto == vat {
            return self.tell_in_sync(case, by);
        }
        (join.from, join.upto) = (Some(join.upto), vat);
        self.export(case, by);
    }

    fn tell_in_sync(&mut self, case: &Case, by: u8) {
        let call = self.fresh_call(by);
        let Some(join) = &mut self.balancer(by).join else { return };
        join.stage = JoinStage::Assigning(call);
        let (to, in_sync) = (join.server, vec![(join.shard, join.upto)]);
        let Some(stamp) = self.stamp(by, to) else { return self.balancer(by).abandon_join() };
        self.send(case, Message { to, from: by, stamp, body: Body::Assign(call, in_sync) });
    }

    /// A number no call on its way has.
    fn fresh_call(&self, by: u8) -> u8 {
        let of = |m: &Message| match m.body {
            Body::Assign(call, _) if m.from == by => Some(call + 1),
            _ => None,
        };
        self.network.iter().filter_map(of).max().unwrap_or(0)
    }

    /// A server was told what it holds in sync.
    pub fn assigned(&mut self, by: u8, call: u8, done: bool) {
        let balancer = self.balancer(by);
        if let Some(join) = &mut balancer.join
            && join.stage == JoinStage::Assigning(call)
        {
            join.stage = JoinStage::Admitting;
            if !done {
                balancer.abandon_join();
            }
        } else if let Some(attach) = &mut balancer.attach
            && attach.call == Some(call)
        {
            attach.call = None;
            if !done {
                balancer.abandon_attach();
            }
        }
    }

    /// The target is in sync, on disk and then in memory.
    pub fn admit(&mut self, case: &Case, by: u8) {
        if !self.may_commit(case, by) {
            return;
        }
        let Some(join) = self.balancer(by).join.clone() else { return };
        self.meta.view.in_sync[usize::from(join.shard)] |= 1 << join.server;
        let balancer = self.balancer(by);
        balancer.view.in_sync[usize::from(join.shard)] |= 1 << join.server;
        balancer.abandon_join(); // done: only the lock is left to give back
    }

    /// Connects a server: it is adopted, and told what it holds, while that is held.
    pub fn attach(&mut self, case: &Case, by: u8, server: u8) {
        if self.server(server).adopt(by + 1).is_err() {
            return self.balancer(by).stand_down();
        }
        let at = self.server(server).clone();
        let fresh = self.fresh_call(by);
        let balancer = self.balancer(by);
        let known = balancer.incarnations[usize::from(server)];
        let same = known == at.incarnation || !case.rules.check_incarnation;
        let held = balancer.held_to_attach(case, server);
        let mut in_sync: Vec<(u8, Term)> = Vec::new();
        let mut lost = 0;
        for shard in bits(balancer.in_sync_of(server)) {
            let i = usize::from(shard);
            let kept = at.shards[i].as_ref().is_some_and(|s| s.held.is_some());
            match same && kept {
                true => in_sync.push((shard, balancer.view.vat[i])),
                false => lost |= 1 << shard,
            }
        }
        balancer.links[usize::from(server)] = None;
        balancer.busy |= held;
        let call = (!in_sync.is_empty()).then_some(fresh);
        let incarnation = at.incarnation;
        balancer.attach = Some(Attach { server, incarnation, held, lost, call });
        if let Some(call) = call {
            let stamp = crate::server::Stamp { epoch: by + 1, incarnation };
            let body = Body::Assign(call, in_sync);
            self.send(case, Message { to: server, from: by, stamp, body });
        }
    }

    /// What an attached server lost is written down, and then it is used.
    pub fn attached(&mut self, case: &Case, by: u8) {
        let Some(attach) = self.balancer(by).attach.clone() else { return };
        let server = usize::from(attach.server);
        let changed = self.balancer(by).incarnations[server] != attach.incarnation;
        if attach.lost != 0 || changed {
            if !self.may_commit(case, by) {
                return;
            }
            self.meta.incarnations[server] = attach.incarnation;
        }
        for shard in bits(attach.lost) {
            self.meta.view.in_sync[usize::from(shard)] &= !(1 << attach.server);
            self.balancer(by).view.in_sync[usize::from(shard)] &= !(1 << attach.server);
        }
        let balancer = self.balancer(by);
        balancer.incarnations[server] = attach.incarnation;
        balancer.links[server] = Some(attach.incarnation);
        balancer.abandon_attach(); // done: only the locks are left to give back
    }

    /// Lets go of a server: nothing is asked of it any more.
    pub fn detach(&mut self, case: &Case, by: u8, server: u8) {
        let balancer = self.balancer(by);
        balancer.links[usize::from(server)] = None;
        let out: Vec<u8> = bits(balancer.in_sync_of(server)).collect();
        if case.rules.away_is_not_out_of_sync || !self.may_commit(case, by) {
            return;
        }
        for shard in out.into_iter().map(usize::from) {
            self.meta.view.in_sync[shard] &= !(1 << server);
            self.balancer(by).view.in_sync[shard] &= !(1 << server);
        }
    }

    /// Takes a replica off a server.
    pub fn leave(&mut self, case: &Case, by: u8, shard: u8, server: u8) {
        if !self.may_commit(case, by) {
            return;
        }
        let keep = !(1 << server);
        let i = usize::from(shard);
        let joining = |j: &Join| (j.shard, j.server) == (shard, server);
        if case.rules.leave_ends_join && self.balancer(by).join.as_ref().is_some_and(joining) {
            self.balancer(by).abandon_join();
        }
        let join = self.balancer(by).joins;
        for view in [&mut self.meta.view, &mut self.balancers[usize::from(by)].view] {
            view.in_sync[i] &= keep;
            view.replicas[i] &= keep;
        }
        if let Some(stamp) = self.stamp(by, server) {
            let body = Body::Forget(shard, join);
            self.send(case, Message { to: server, from: by, stamp, body });
        }
    }

    /// Puts a replica back on a server, out of sync.
    pub fn put_back(&mut self, case: &Case, by: u8, shard: u8, server: u8) {
        if self.may_commit(case, by) {
            self.meta.view.replicas[usize::from(shard)] |= 1 << server;
            self.balancer(by).view.replicas[usize::from(shard)] |= 1 << server;
        }
    }

    /// Takes a replica for one in sync because no other can be asked.
    pub fn guess(&mut self, case: &Case, by: u8, shard: u8, server: u8) {
        if self.may_commit(case, by) {
            self.meta.view.in_sync[usize::from(shard)] = 1 << server;
            self.balancer(by).view.in_sync[usize::from(shard)] = 1 << server;
        }
    }

    /// Tells a server which versions no read can need any more.
    pub fn collect(&mut self, case: &Case, by: u8, server: u8) {
        let Some(stamp) = self.stamp(by, server) else { return };
        let balancer = &self.balancers[usize::from(by)];
        let points = balancer.safe_points(case.rules.safe_point_respects_readers);
        let held = |shard: &u8| has(balancer.in_sync_of(server), *shard);
        let points: Vec<(u8, Term)> =
            (0..case.shards).filter(held).map(|s| (s, points[usize::from(s)])).collect();
        // Nobody listens to the answer.
        let _ = self.server(server).collect(&case.rules, stamp, &points);
    }
}
