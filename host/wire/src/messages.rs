//! The messages, one request and one answer type each.

use ringwright_model::{Epoch, Key, Term};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What every request carries: who asks, and whom they mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The balancer's epoch. The server must have been adopted in exactly this one.
    pub epoch: Epoch,
    /// The database the balancer means. An address may have been reused, a disk replaced.
    pub incarnation: String,
}

/// Takes charge of a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Adopt {
    /// The new epoch; lower than one seen is refused.
    pub epoch: Epoch,
    /// The cluster it is to serve. A database belongs to the first that adopted it: the terms of
    /// another mean nothing there.
    pub cluster: String,
}

/// What an adopted server says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adopted {
    /// Drawn when its database was created.
    pub incarnation: String,
    /// The shards its database knows.
    pub shards: Vec<Holding>,
}

/// A shard as one server's database has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// The shard.
    pub shard: String,
    /// Everything committed up to this term is here; `None` while a copy is unfinished.
    pub held: Option<Term>,
    /// Versions deleted at or before this term may be gone.
    pub safe_point: Term,
}

/// Tells a server what it holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Assign {
    /// Who asks.
    pub stamp: Stamp,
    /// When this was decided, in the count that joins are numbered by. A shard that began later
    /// than that is not forgotten: the message is a late one.
    pub number: u64,
    /// Shards it holds in sync, each with its VAT. One it does not know is created empty,
    /// and only at term 0.
    pub in_sync: Vec<(String, Term)>,
    /// Shards to remove, rows and all.
    pub forget: Vec<String>,
}

/// A batch of writes for one server, all its shards in one transaction.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Apply {
    /// Who asks.
    pub stamp: Stamp,
    /// One entry a shard.
    pub batches: Vec<ShardBatch>,
}

/// A batch of writes for one shard; all get the term `vat + 1`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShardBatch {
    /// The shard.
    pub shard: String,
    /// The shard's VAT when the batch was made. Lower than one seen is refused; rows of higher
    /// terms were never committed and are undone.
    pub vat: Term,
    /// Grows with every batch sent for the shard in this epoch. At an equal VAT a round that is
    /// not higher than the last is a late copy, and refused.
    pub round: u64,
    /// No read will ask for a term below this one.
    pub safe_point: Term,
    /// The requests, each applied whole or refused whole. No two touch the same key.
    pub requests: Vec<Vec<Op>>,
}

/// One row's change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Op {
    /// Creates a row whose key must be free.
    Insert {
        /// Its key.
        key: Key,
        /// The row as canonical JSON.
        row: Box<str>,
    },
    /// Replaces a row that must exist.
    Update {
        /// Its key.
        key: Key,
        /// The row as canonical JSON.
        row: Box<str>,
    },
    /// Deletes a row that must exist.
    Delete {
        /// Its key.
        key: Key,
    },
}

impl Op {
    /// The row it brings, as canonical JSON.
    pub fn row(&self) -> Option<&str> {
        match self {
            Op::Insert { row, .. } | Op::Update { row, .. } => Some(row),
            Op::Delete { .. } => None,
        }
    }

    /// The key it changes.
    pub fn key(&self) -> Key {
        match self {
            Op::Insert { key, .. } | Op::Update { key, .. } | Op::Delete { key } => *key,
        }
    }
}

/// What became of a batch: for each of its shards, for each request, why it was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Aligned with `Apply::batches` and their `requests`; `None` was applied.
    pub refusals: Vec<Vec<Option<Refusal>>>,
}

/// A logical refusal: the same on every replica that is in sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Refusal {
    /// The lowest key that stood in the way.
    pub key: Key,
    /// How.
    pub reason: RefusalReason,
}

/// Why a row could not be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// An insert met a row with its key.
    Exists,
    /// An update or a delete met none.
    Missing,
}

/// Reads of one server, answered in one database transaction.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Read {
    /// Who asks.
    pub stamp: Stamp,
    /// What is asked.
    pub queries: Vec<RangeQuery>,
}

/// The rows of one shard with keys in a range, as of a term.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeQuery {
    /// The shard.
    pub shard: String,
    /// The term.
    pub vat: Term,
    /// Lowest key, included.
    pub low: Key,
    /// Highest key, included.
    pub high: Key,
}

/// The answers, aligned with `Read::queries`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadAnswer {
    /// One a query.
    pub results: Vec<QueryResult>,
}

/// The answer to one range query.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryResult {
    /// The rows, in key order.
    Rows(Vec<(Key, Box<RawValue>)>),
    /// The term lies below the replica's safe point: ask again at a newer one.
    BelowSafePoint(Term),
    /// The replica does not hold the shard, or holds an unfinished copy.
    NotHeld,
}

/// Asks for a page of row versions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Export {
    /// Who asks.
    pub stamp: Stamp,
    /// The shard.
    pub shard: String,
    /// `Some(w)`: the versions created or deleted after term `w` (refused where the history no
    /// longer reaches back to `w`). `None`: every row visible at `upto`.
    pub after: Option<Term>,
    /// Nothing later than this term; it must be committed.
    pub upto: Term,
    /// Where the page before ended.
    pub cursor: Option<(Key, Term)>,
    /// At most so many versions.
    pub limit: u32,
}

/// A page of row versions, ordered by key and CAT.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Page {
    /// The versions.
    pub versions: Vec<Version>,
    /// Where the next page starts; `None` after the last.
    pub cursor: Option<(Key, Term)>,
    /// The source's safe point: what its history no longer tells.
    pub safe_point: Term,
}

/// A row version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The row's key.
    pub key: Key,
    /// CAT: the term that created it.
    pub cat: Term,
    /// DAT: the term that deleted it, [`ringwright_model::NEVER`] while it lives.
    pub dat: Term,
    /// The row as canonical JSON.
    pub row: Box<str>,
}

/// Takes a page into a replica that is joining.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Import {
    /// Who asks.
    pub stamp: Stamp,
    /// The shard.
    pub shard: String,
    /// Which attempt to join this page belongs to; a late page of another is refused.
    pub join: u64,
    /// Pages of one attempt are numbered from 0, without a gap.
    pub page: u64,
    /// What the first page starts from; `None` on later ones.
    pub start: Option<ImportStart>,
    /// The versions, each replacing one of the same key and CAT.
    pub versions: Vec<Version>,
    /// On the last page of a run: what the replica now holds.
    pub finish: Option<ImportFinish>,
}

/// What an import starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportStart {
    /// Nothing: whatever is there of the shard is removed first.
    Empty,
    /// What the replica holds up to this term; what it has beyond was never committed to it,
    /// and is undone first.
    Held(Term),
}

/// What a replica holds when a run of pages is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportFinish {
    /// Everything committed up to this term.
    pub held: Term,
    /// The history from this term on.
    pub safe_point: Term,
}

/// Raises safe points, and removes what they no longer protect.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Collect {
    /// Who asks.
    pub stamp: Stamp,
    /// Each shard with its safe point.
    pub safe_points: Vec<(String, Term)>,
}

/// Asks how much a server holds of some shards.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measure {
    /// Who asks.
    pub stamp: Stamp,
    /// The shards.
    pub shards: Vec<String>,
}

/// How much a server holds, aligned with `Measure::shards`; `None` of what it does not hold whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// One a shard.
    pub volumes: Vec<Option<Volume>>,
}

/// How much one copy of a shard is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Rows that live, those of a write that is under way included.
    pub rows: u64,
    /// What they take as text: an estimate, from the length of some of them.
    pub bytes: u64,
}

/// One server's part in the paper's Algorithm 1.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PaperStep {
    /// Who asks.
    pub stamp: Stamp,
    /// The shard.
    pub shard: String,
    /// The VAT the balancer read on line 2.
    pub vat: Term,
    /// What is asked.
    pub op: PaperOp,
}

/// The four operations of Algorithm 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaperOp {
    /// READ, of a range of keys, both ends included.
    Read(Key, Key),
    /// CREATE, UPDATE or DELETE.
    Write(Op),
}

/// A server's response in Algorithm 1.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaperAnswer {
    /// The rows a READ found, in key order.
    Rows(Vec<(Key, Box<RawValue>)>),
    /// The term a write got.
    Vat(Term),
    /// The write could not be done.
    Refused(Refusal),
}
