//! A balancer: what it knows, and what it has under way.
//!
//! Mirrors `ringwright-replication`. What only makes things faster is left out: which replica
//! is asked first, how long a pause lasts.

use crate::cases::{Case, Mask, Term, Value, has};
use crate::server::{Applied, Version};

/// What is committed and who holds it: on disk in the metadata, in memory at a balancer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    pub vat: Vec<Term>,
    pub in_sync: Vec<Mask>,
    pub replicas: Vec<Mask>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Balancer {
    /// It knows that another one is in charge, and has stopped.
    pub stood_down: bool,
    /// Its charge has not lapsed.
    pub in_charge: bool,
    pub view: View,
    /// The incarnations it knows, as the metadata has them.
    pub incarnations: Vec<u8>,
    /// By server: the database adopted there, while it is taken to run.
    pub links: Vec<Option<u8>>,
    pub round: u8,
    pub joins: u8,
    /// The shards that are held.
    pub busy: Mask,
    pub batches: Vec<Batch>,
    pub reads: Vec<Read>,
    pub join: Option<Join>,
    pub attach: Option<Attach>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Batch {
    pub jobs: Mask,
    pub refused: Mask,
    pub unavailable: Mask,
    pub parts: Vec<Part>,
    pub round: u8,
    /// The parts sent in this round.
    pub due: Mask,
    /// The servers asked in this round.
    pub asked: Vec<(u8, Slot)>,
    /// What is left to do once all rounds are over.
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    pub shard: u8,
    pub vat: Term,
    pub safe_point: Term,
    pub replicas: Mask,
    pub fallen: Mask,
    pub jobs: Mask,
    pub dirty: bool,
    /// The VAT to commit.
    pub term: Term,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    Waiting,
    Failed,
    Answered(Applied),
}

/// Of a batch, each with the parts it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The metadata transaction.
    Commit(Mask),
    /// In memory.
    Publish(Mask),
    /// To the clients.
    Answer,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Read {
    pub request: u8,
    /// The VATs it reads at, and who held that: the view it keeps.
    pub vat: Vec<Term>,
    pub in_sync: Vec<Mask>,
    /// By key: the answer, once its shard has answered.
    pub rows: Vec<Option<Option<Value>>>,
    /// A server refused: it may begin again.
    pub sent_back: bool,
}

/// A replica on its way into sync.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Join {
    pub shard: u8,
    pub server: u8,
    pub source: u8,
    pub number: u8,
    /// The VAT of the view it keeps alive.
    pub vat: Term,
    /// The next page.
    pub page: u8,
    /// Of the run under way: where it starts (`None`: empty), how far it goes, what is left.
    pub from: Option<Term>,
    pub upto: Term,
    pub rest: Vec<Version>,
    pub history: Term,
    pub stage: JoinStage,
    /// Whether the shard is held for it.
    pub holds: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum JoinStage {
    /// Pages are sent while writes go on.
    Copying,
    Copied,
    /// The shard is held, and the last pages are sent.
    LastDelta,
    /// Told that it is in sync, by this call.
    Assigning(u8),
    Admitting,
}

/// A server being connected; what it holds in sync is held meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attach {
    pub server: u8,
    pub incarnation: u8,
    pub held: Mask,
    /// The shards it was in sync on and does not have.
    pub lost: Mask,
    /// The call it has to answer yet.
    pub call: Option<u8>,
}

impl Balancer {
    /// One that has just taken charge.
    pub fn new(view: View, incarnations: Vec<u8>) -> Balancer {
        Balancer {
            stood_down: false,
            in_charge: true,
            view,
            links: vec![None; incarnations.len()],
            incarnations,
            round: 0,
            joins: 0,
            busy: 0,
            batches: Vec::new(),
            reads: Vec::new(),
            join: None,
            attach: None,
        }
    }

    /// Another one is in charge: whoever waits here is never answered.
    pub fn stand_down(&mut self) {
        // What it knew does not matter any more; forgetting it makes states equal.
        *self = Balancer::new(self.view.clone(), self.incarnations.clone());
        self.stood_down = true;
        self.in_charge = false;
        self.view.vat.fill(0);
        self.view.in_sync.fill(0);
    }

    /// By shard: the lowest VAT anybody may still read at.
    pub fn safe_points(&self, respect_readers: bool) -> Vec<Term> {
        let mut points = self.view.vat.clone();
        if respect_readers {
            for read in &self.reads {
                points.iter_mut().zip(&read.vat).for_each(|(p, vat)| *p = (*p).min(*vat));
            }
            if let Some(join) = &self.join {
                let point = &mut points[usize::from(join.shard)];
                *point = (*point).min(join.vat);
            }
        }
        points
    }

    /// The servers that can be asked.
    pub fn linked(&self) -> Mask {
        let linked = self.links.iter().enumerate().filter(|(_, link)| link.is_some());
        linked.fold(0, |mask, (i, _)| mask | 1 << i)
    }

    /// Whether a shard has another replica in sync that can be asked.
    pub fn others_in_sync(&self, shard: u8, server: u8) -> bool {
        self.view.in_sync[usize::from(shard)] & self.linked() & !(1 << server) != 0
    }

    /// The shards a server holds in sync.
    pub fn in_sync_of(&self, server: u8) -> Mask {
        let shards = self.view.in_sync.iter().enumerate();
        shards.filter(|(_, m)| has(**m, server)).fold(0, |mask, (i, _)| mask | 1 << i)
    }

    /// The shards that are held while a server is attached.
    pub fn held_to_attach(&self, case: &Case, server: u8) -> Mask {
        if !case.rules.attach_holds_all_replicas {
            return self.in_sync_of(server);
        }
        let shards = self.view.replicas.iter().enumerate();
        shards.filter(|(_, m)| has(**m, server)).fold(0, |mask, (i, _)| mask | 1 << i)
    }

    pub fn abandon_join(&mut self) {
        if let Some(join) = self.join.take()
            && join.holds
        {
            self.busy &= !(1 << join.shard);
        }
    }

    pub fn abandon_attach(&mut self) {
        if let Some(attach) = self.attach.take() {
            self.busy &= !attach.held;
        }
    }
}

impl Batch {
    /// The jobs that are still to be done.
    pub fn left(&self) -> Mask {
        self.jobs & !self.refused & !self.unavailable
    }

    pub fn is_live(&self, part: &Part) -> bool {
        part.jobs & self.left() != 0
    }
}
