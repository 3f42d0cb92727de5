//! Batches of writes, at the terms the balancer gave.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use ringwright_model::{Key, NEVER, Term};
use ringwright_wire::{Applied, Apply, Op, Refusal, RefusalReason, ShardBatch, WireError};

use crate::catalog::{bad_request, not_held, stale};
use crate::writer::{Unit, Write};
use crate::{collect, versions};

#[async_trait]
impl Write for Apply {
    type Answer = Applied;

    async fn perform(&self, unit: &mut Unit) -> Result<Applied, WireError> {
        unit.catalog.check(&self.stamp)?;
        apply(unit, &self.batches).await
    }
}

/// Applies batches of different shards, all or none.
pub(crate) async fn apply(unit: &mut Unit, batches: &[ShardBatch]) -> Result<Applied, WireError> {
    check_keys(batches)?;
    let mut numbers = Vec::with_capacity(batches.len());
    for batch in batches {
        numbers.push(accept(unit, batch).await?);
    }
    let touched: Vec<(i64, Key)> = batches
        .iter()
        .zip(&numbers)
        .flat_map(|(batch, number)| ops(batch).map(|op| (*number, op.key())))
        .collect();
    let live = versions::live(&mut unit.tx, &touched).await?;
    let live = live.into_iter().map(|(number, key, cat)| ((number, key), cat)).collect();

    let mut changes = Changes { live, put: Vec::new(), end: Vec::new() };
    let mut refusals = Vec::with_capacity(batches.len());
    for (batch, number) in batches.iter().zip(&numbers) {
        let requests = batch.requests.iter();
        refusals.push(requests.map(|r| changes.take(*number, batch.vat + 1, r)).collect());
    }
    versions::end(&mut unit.tx, &changes.end).await?;
    versions::put(&mut unit.tx, &changes.put).await?;
    Ok(Applied { refusals })
}

fn ops(batch: &ShardBatch) -> impl Iterator<Item = &Op> {
    batch.requests.iter().flatten()
}

/// One term has room for one change of a key, and one message for one batch of a shard.
fn check_keys(batches: &[ShardBatch]) -> Result<(), WireError> {
    let mut shards = HashSet::new();
    for batch in batches {
        if !shards.insert(&batch.shard) {
            return Err(bad_request(format!("shard '{}' has two batches", batch.shard)));
        }
        let mut keys = HashSet::new();
        if let Some(op) = ops(batch).find(|op| !keys.insert(op.key())) {
            return Err(bad_request(format!("key {} is changed twice", op.key())));
        }
    }
    Ok(())
}

/// Checks that the batch is the shard's next, and makes the shard ready for it.
async fn accept(unit: &mut Unit, batch: &ShardBatch) -> Result<i64, WireError> {
    let shard = unit.catalog.whole_mut(&batch.shard)?;
    let late = batch.vat == shard.vat_seen && batch.round <= shard.last_round;
    if batch.vat < shard.vat_seen || late {
        return Err(stale(&batch.shard));
    }
    // It missed a batch, and so is not in sync.
    if batch.vat > shard.reach {
        return Err(not_held(&batch.shard));
    }
    versions::undo(&mut unit.tx, shard, batch.vat).await?;
    shard.held = Some(batch.vat);
    shard.vat_seen = batch.vat;
    shard.last_round = batch.round.min(NEVER);
    let safe_point = batch.safe_point.min(batch.vat);
    if safe_point > shard.safe_point {
        shard.safe_point = safe_point;
        collect::old_versions(&mut unit.tx, shard, collect::BY_A_WRITE).await?;
    }
    // The new term counts as committed only when a later message says so.
    shard.reach = batch.vat + 1;
    shard.top = batch.vat + 1;
    Ok(shard.number)
}

/// What a message does to the rows, gathered so that it takes two statements.
struct Changes<'a> {
    /// The CAT of each touched row that lives.
    live: HashMap<(i64, Key), i64>,
    put: Vec<(i64, Key, Term, Term, &'a str)>,
    end: Vec<(i64, Key, i64, Term)>,
}

impl<'a> Changes<'a> {
    /// Takes a request whole, or refuses it whole.
    fn take(&mut self, number: i64, term: Term, request: &'a [Op]) -> Option<Refusal> {
        let refusal = request.iter().filter_map(|op| self.refusal(number, op)).min();
        if refusal.is_none() {
            for op in request {
                let key = op.key();
                if let Some(cat) = self.live.get(&(number, key)) {
                    self.end.push((number, key, *cat, term));
                }
                if let Op::Insert { row, .. } | Op::Update { row, .. } = op {
                    self.put.push((number, key, term, NEVER, row));
                }
            }
        }
        refusal
    }

    fn refusal(&self, number: i64, op: &Op) -> Option<Refusal> {
        let lives = self.live.contains_key(&(number, op.key()));
        let reason = match op {
            Op::Insert { .. } if lives => RefusalReason::Exists,
            Op::Update { .. } | Op::Delete { .. } if !lives => RefusalReason::Missing,
            _ => return None,
        };
        Some(Refusal { key: op.key(), reason })
    }
}
