//! What is modelled in one check: the cluster, the requests, and how much may go wrong.

use crate::rules::Rules;

pub type Term = u8;
/// What a row holds: 0 at the start, `i + 1` when request `i` wrote it.
pub type Value = u8;
/// A set of small numbers: servers, shards, requests.
pub type Mask = u8;

/// The members of a set.
pub fn bits(mask: Mask) -> impl Iterator<Item = u8> {
    (0..8).filter(move |i| mask & (1 << i) != 0)
}

/// Whether a set has a member.
pub fn has(mask: Mask, i: u8) -> bool {
    mask & (1 << i) != 0
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Insert,
    Update,
    Delete,
}

#[derive(Clone, Copy, Debug)]
pub struct Op {
    pub kind: Kind,
    pub key: u8,
}

#[derive(Clone, Debug)]
pub enum Request {
    Write(Vec<Op>),
    Read(Vec<u8>),
}

pub fn insert(key: u8) -> Op {
    Op { kind: Kind::Insert, key }
}

pub fn update(key: u8) -> Op {
    Op { kind: Kind::Update, key }
}

pub fn write(ops: &[Op]) -> Request {
    Request::Write(ops.to_vec())
}

pub fn read(keys: &[u8]) -> Request {
    Request::Read(keys.to_vec())
}

/// How often each thing may still happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// A new balancer takes charge; the old one goes on as far as it can.
    pub takeovers: u8,
    /// A balancer gives up waiting for an answer; the message may still arrive.
    pub timeouts: u8,
    /// A server does what it was told, and its answer is lost.
    pub lost_answers: u8,
    /// A message arrives, and stays on its way to arrive again.
    pub repeats: u8,
    /// A message reaches another server than it was sent to: an address was reused.
    pub misdeliveries: u8,
    /// A server comes back with an empty disk.
    pub lost_disks: u8,
    /// A server loses what it has not flushed.
    pub crashes: u8,
    /// Garbage is collected.
    pub collections: u8,
    /// A replica begins to join.
    pub joins: u8,
    /// A balancer lets go of a server.
    pub detaches: u8,
    /// A replica is taken off a server, and put back.
    pub leaves: u8,
}

/// Which messages may be late; the others arrive as they are sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Late {
    pub applies: bool,
    pub imports: bool,
    pub assigns: bool,
    pub forgets: bool,
}

/// One check. Key `k` lives on shard `k % shards`; every server has a replica of each shard,
/// all in sync at VAT 1 but for those of `behind`.
#[derive(Clone, Debug)]
pub struct Case {
    pub rules: Rules,
    pub servers: u8,
    pub shards: u8,
    /// The keys that exist at the start.
    pub present: Vec<u8>,
    /// Servers whose replicas are out of sync at the start.
    pub behind: Mask,
    pub requests: Vec<Request>,
    /// Whether two requests may form one batch.
    pub group: bool,
    pub late: Late,
    /// Row versions on a page of a copy.
    pub page: usize,
    pub budget: Budget,
}

impl Case {
    /// Two servers in sync, one shard, key 0; applies may be late; nothing else goes wrong.
    pub fn new(requests: &[Request]) -> Case {
        Case {
            rules: Rules::ALL,
            servers: 2,
            shards: 1,
            present: vec![0],
            behind: 0,
            requests: requests.to_vec(),
            group: false,
            late: Late { applies: true, ..Late::default() },
            page: 8,
            budget: Budget::default(),
        }
    }

    pub fn shard_of(&self, key: u8) -> u8 {
        key % self.shards
    }

    /// A write's changes on one shard.
    pub fn ops(&self, request: u8, shard: u8) -> impl Iterator<Item = Op> {
        let ops = match &self.requests[usize::from(request)] {
            Request::Write(ops) => ops.as_slice(),
            Request::Read(_) => &[],
        };
        ops.iter().copied().filter(move |op| self.shard_of(op.key) == shard)
    }

    /// The keys a request names.
    pub fn keys(&self, request: u8) -> Vec<u8> {
        match &self.requests[usize::from(request)] {
            Request::Write(ops) => ops.iter().map(|op| op.key).collect(),
            Request::Read(keys) => keys.clone(),
        }
    }

    pub fn is_write(&self, request: u8) -> bool {
        matches!(self.requests[usize::from(request)], Request::Write(_))
    }

    /// The shards a request touches.
    pub fn shards_of(&self, request: u8) -> Mask {
        self.keys(request).iter().fold(0, |mask, key| mask | 1 << self.shard_of(*key))
    }
}
