//! The whole of a modelled cluster at one instant, and the messages between its parts.

use std::collections::BTreeSet;

use crate::balancer::{Balancer, Slot, View};
use crate::cases::{Budget, Case, Mask, Term, bits};
use crate::clients::Client;
use crate::server::{NEVER, Page, Refused, Server, Shard, ShardBatch, Stamp, Version};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub meta: Meta,
    pub servers: Vec<Server>,
    /// Sent and not arrived. Nothing is ever lost here, and nothing needs to arrive: a message
    /// that was lost is one that comes after all that matters.
    pub network: BTreeSet<Message>,
    /// By epoch, from 1.
    pub balancers: Vec<Balancer>,
    /// What the next balancer read before it took charge, where it is so wrong.
    pub preloaded: Option<View>,
    pub clients: Vec<Client>,
    pub budget: Budget,
    /// Shards that lost the disks of all their replicas in sync.
    pub excused: Mask,
    /// An answer no order of the requests explains was given.
    pub nonlinear: bool,
    /// A read saw part of a write.
    pub torn: bool,
    /// A server refused a read of what it holds in sync.
    pub sent_back: bool,
}

/// The metadata store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Meta {
    pub epoch: u8,
    pub view: View,
    pub incarnations: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Message {
    pub to: u8,
    /// The balancer, by position.
    pub from: u8,
    pub stamp: Stamp,
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Body {
    Apply(u8, Vec<ShardBatch>),
    Import(Page),
    /// The call's number; shards and VATs.
    Assign(u8, Vec<(u8, Term)>),
    /// The shard, and the latest attempt to join by now.
    Forget(u8, u8),
}

impl State {
    /// Everything in sync at VAT 1, at which the rows were written; a balancer that has just
    /// taken charge and attached all servers.
    pub fn new(case: &Case) -> State {
        let all: Mask = (1 << case.servers) - 1;
        let shards = usize::from(case.shards);
        let view = View {
            vat: vec![1; shards],
            in_sync: vec![all & !case.behind; shards],
            replicas: vec![all; shards],
        };
        let shard = |shard: u8| {
            let here = case.present.iter().filter(|k| case.shard_of(**k) == shard);
            let row = |k: &u8| Version { key: *k, cat: 1, dat: NEVER, value: 0 };
            Some(Shard::with(here.map(row).collect()))
        };
        let server = |i: u8| Server {
            incarnation: i,
            epoch: 1,
            shards: (0..case.shards).map(shard).collect(),
            disk: None,
        };
        let incarnations: Vec<u8> = (0..case.servers).collect();
        let mut balancer = Balancer::new(view.clone(), incarnations.clone());
        balancer.links = incarnations.iter().map(|i| Some(*i)).collect();
        State {
            meta: Meta { epoch: 1, view, incarnations },
            servers: (0..case.servers).map(server).collect(),
            network: BTreeSet::new(),
            balancers: vec![balancer],
            preloaded: None,
            clients: case.requests.iter().map(|_| Client::new(case.shards)).collect(),
            budget: case.budget,
            excused: 0,
            nonlinear: false,
            torn: false,
            sent_back: false,
        }
    }

    pub fn balancer(&mut self, by: u8) -> &mut Balancer {
        &mut self.balancers[usize::from(by)]
    }

    pub fn server(&mut self, server: u8) -> &mut Server {
        &mut self.servers[usize::from(server)]
    }

    /// What a balancer's requests to a server carry, where it has a link.
    pub fn stamp(&self, by: u8, server: u8) -> Option<Stamp> {
        let link = self.balancers[usize::from(by)].links[usize::from(server)];
        link.map(|incarnation| Stamp { epoch: by + 1, incarnation })
    }

    /// Whether a balancer may change the metadata; where not, it learns why.
    pub fn may_commit(&mut self, case: &Case, by: u8) -> bool {
        let may = self.meta.epoch == by + 1 || !case.rules.fence_commit;
        if !may {
            self.balancer(by).stand_down();
        }
        may
    }

    /// Puts a message on its way; where its kind is never late, it arrives now.
    pub fn send(&mut self, case: &Case, message: Message) {
        let late = match &message.body {
            Body::Apply(..) => case.late.applies,
            Body::Import(..) => case.late.imports,
            Body::Assign(..) => case.late.assigns,
            Body::Forget(..) => case.late.forgets,
        };
        if late {
            self.network.insert(message);
        } else {
            let to = message.to;
            self.arrive(case, &message, to, true);
        }
    }

    /// A message is handled at `server`, and the balancer that waits for it hears of it or not.
    pub fn arrive(&mut self, case: &Case, message: &Message, server: u8, heard: bool) {
        let rules = &case.rules;
        let at = self.server(server);
        let stamp = message.stamp;
        let (slot, outcome) = match &message.body {
            Body::Apply(round, batches) => match at.apply(case, stamp, *round, batches) {
                Ok(applied) => (Slot::Answered(applied), Ok(())),
                Err(refused) => (Slot::Failed, Err(refused)),
            },
            Body::Import(page) => (Slot::Failed, at.import(rules, stamp, page)),
            Body::Assign(_, in_sync) => (Slot::Failed, at.assign(rules, stamp, in_sync)),
            Body::Forget(shard, join) => (Slot::Failed, at.forget(rules, stamp, *shard, *join)),
        };
        let by = message.from;
        if self.balancer(by).stood_down {
            return;
        }
        if heard && outcome == Err(Refused::Deposed) && self.waits_for(message) {
            return self.balancer(by).stand_down();
        }
        match &message.body {
            Body::Apply(round, _) => {
                let slot = if heard { slot } else { Slot::Failed };
                self.answered(case, by, *round, message.to, slot);
            }
            Body::Import(_) | Body::Assign(..) if !self.waits_for(message) => {}
            Body::Import(_) if heard && outcome.is_ok() => self.page_taken(case, by),
            Body::Import(_) => self.balancer(by).abandon_join(),
            Body::Assign(call, _) => self.assigned(by, *call, heard && outcome.is_ok()),
            Body::Forget(..) => {}
        }
    }

    /// Whether the balancer that sent it waits for the answer.
    fn waits_for(&self, message: &Message) -> bool {
        let balancer = &self.balancers[usize::from(message.from)];
        match &message.body {
            Body::Apply(round, _) => balancer
                .batches
                .iter()
                .any(|b| b.round == *round && b.asked.contains(&(message.to, Slot::Waiting))),
            Body::Import(page) => balancer
                .join
                .as_ref()
                .is_some_and(|j| (j.number, j.page) == (page.join, page.number)),
            Body::Assign(call, _) => balancer.waits_for_call(*call),
            Body::Forget(..) => false,
        }
    }

    /// The databases that are what the metadata takes them for, among a shard's in sync.
    pub fn intact(&self, shard: u8) -> impl Iterator<Item = &Server> {
        bits(self.meta.view.in_sync[usize::from(shard)]).filter_map(|s| {
            let server = &self.servers[usize::from(s)];
            (server.incarnation == self.meta.incarnations[usize::from(s)]).then_some(server)
        })
    }

    /// A server comes back with an empty disk.
    pub fn lose_disk(&mut self, server: u8) {
        let fresh = self.servers.iter().map(|s| s.incarnation).max().map_or(0, |i| i + 1);
        let lost = self.server(server);
        let shards = vec![None; lost.shards.len()];
        *lost = Server { incarnation: fresh, epoch: 0, shards, disk: None };
    }

    /// Notes the shards of which every replica in sync has lost its disk.
    pub fn excuse(&mut self) {
        for shard in 0..self.meta.view.vat.len() as u8 {
            let any = self.meta.view.in_sync[usize::from(shard)] != 0;
            if any && self.intact(shard).next().is_none() {
                self.excused |= 1 << shard;
            }
        }
    }
}
