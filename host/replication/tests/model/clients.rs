//! The clients: what they asked, what they were told, and whether that can be true.

use crate::cases::{Case, Kind, Mask, Op, Request, Term, Value, bits, has};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The write is done.
    Written,
    /// The write cannot be done: a row exists, or is missing.
    Refused,
    /// Nothing was written, for want of replicas.
    Unavailable,
    /// What was read.
    Rows(Vec<Option<Value>>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    Idle,
    /// Asked. Where the balancer stops it stays so: the client does not know.
    Asked,
    Told(Answer),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    pub stage: Stage,
    /// Requests that had their answer before this one was made.
    pub after: Mask,
    /// By shard: the term the write got, once its VAT is on disk.
    pub committed: Vec<Option<Term>>,
}

impl Client {
    pub fn new(shards: u8) -> Client {
        Client { stage: Stage::Idle, after: 0, committed: vec![None; usize::from(shards)] }
    }
}

type Store = Vec<Option<Value>>;

/// Whether some order of the requests explains all answers: each takes effect at one instant
/// between its call and its answer; one without an answer may take effect later or never.
pub fn linearizable(case: &Case, clients: &[Client]) -> bool {
    let mut store: Store = vec![None; 8];
    case.present.iter().for_each(|k| store[usize::from(*k)] = Some(0));
    explain(case, clients, 0, &store)
}

fn explain(case: &Case, clients: &[Client], done: Mask, store: &Store) -> bool {
    let open = |i: &u8| !has(done, *i) && matters(&clients[usize::from(*i)].stage);
    let mut left = (0..clients.len() as u8).filter(open).peekable();
    if left.clone().all(|i| clients[usize::from(i)].stage == Stage::Asked) {
        return true;
    }
    left.any(|i| {
        let client = &clients[usize::from(i)];
        // Before it comes whatever was answered before it was asked.
        let ready =
            bits(client.after).all(|j| has(done, j) || !matters(&clients[usize::from(j)].stage));
        let mut store = store.clone();
        ready
            && agrees(&take(&case.requests[usize::from(i)], i, &mut store), &client.stage)
            && explain(case, clients, done | 1 << i, &store)
    })
}

fn matters(stage: &Stage) -> bool {
    !matches!(stage, Stage::Idle | Stage::Told(Answer::Unavailable))
}

fn agrees(answer: &Answer, stage: &Stage) -> bool {
    match stage {
        Stage::Told(told) => told == answer,
        _ => true,
    }
}

/// Does a request on one copy of the data.
fn take(request: &Request, number: u8, store: &mut Store) -> Answer {
    let at = |op: &Op| usize::from(op.key);
    match request {
        Request::Read(keys) => Answer::Rows(keys.iter().map(|k| store[usize::from(*k)]).collect()),
        Request::Write(ops) => {
            if ops.iter().any(|op| store[at(op)].is_some() == (op.kind == Kind::Insert)) {
                return Answer::Refused;
            }
            for op in ops {
                store[at(op)] = (op.kind != Kind::Delete).then_some(number + 1);
            }
            Answer::Written
        }
    }
}

/// Whether an answer shows a write on one key and what was there before it on another.
pub fn torn(case: &Case, clients: &[Client], keys: &[u8], rows: &[Option<Value>]) -> bool {
    let writes = (0..clients.len() as u8).filter(|i| case.is_write(*i));
    let mut seen = keys.iter().zip(rows);
    seen.any(|(_, row)| {
        writes.clone().filter(|w| *row == Some(w + 1)).any(|w| {
            case.keys(w).into_iter().any(|key| {
                let shard = usize::from(case.shard_of(key));
                let term = |request: u8| clients[usize::from(request)].committed[shard];
                let other = keys.iter().zip(rows).find(|(k, _)| **k == key);
                other.is_some_and(|(_, row)| match row {
                    Some(0) => true,
                    Some(value) if *value != w + 1 => term(value - 1) < term(w),
                    // Rows are not deleted in cases over several keys.
                    None => true,
                    Some(_) => false,
                })
            })
        })
    })
}
