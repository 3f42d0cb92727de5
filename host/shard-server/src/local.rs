//! Writes without a balancer's batch: `/config` and the paper's write routes.
//!
//! They go by the same rules as a batch; only the round, which they have no word for, is the
//! next one.

use async_trait::async_trait;
use ringwright_model::{Epoch, Term};
use ringwright_wire::{Op, Refusal, ShardBatch, WireError};

use crate::apply::apply;
use crate::catalog::bad_request;
use crate::writer::{Unit, Write};

/// Keeps the schema, and creates shards where there are none.
pub(crate) struct Configure {
    pub(crate) epoch: Epoch,
    pub(crate) schema: String,
    pub(crate) shards: Vec<String>,
}

#[async_trait]
impl Write for Configure {
    type Answer = ();

    async fn perform(&self, unit: &mut Unit) -> Result<(), WireError> {
        unit.catalog.check_epoch(self.epoch)?;
        unit.catalog.schema = Some(self.schema.clone());
        for shard in &self.shards {
            if !unit.catalog.shards.contains_key(shard) {
                unit.catalog.create(shard, None);
            }
        }
        Ok(())
    }
}

/// One request for one shard.
pub(crate) struct LocalWrite {
    pub(crate) epoch: Epoch,
    pub(crate) shard: String,
    pub(crate) vat: Term,
    /// The term it is to get, where the payload says so.
    pub(crate) term: Option<Term>,
    pub(crate) ops: Vec<Op>,
}

/// The term a request got, or why it got none.
pub(crate) type Outcome = Result<Term, Refusal>;

#[async_trait]
impl Write for LocalWrite {
    type Answer = Outcome;

    async fn perform(&self, unit: &mut Unit) -> Result<Outcome, WireError> {
        unit.catalog.check_epoch(self.epoch)?;
        let term = self.vat.saturating_add(1);
        if self.term.is_some_and(|given| given != term) {
            return Err(bad_request(format!("'term' must be valid_at + 1, which is {term}")));
        }
        let shard = unit.catalog.whole(&self.shard)?;
        let batch = ShardBatch {
            shard: self.shard.clone(),
            vat: self.vat,
            round: shard.last_round + 1,
            safe_point: 0,
            requests: vec![self.ops.clone()],
        };
        let applied = apply(unit, &[batch]).await?;
        let refusal = applied.refusals.into_iter().flatten().flatten().next();
        Ok(refusal.map_or(Ok(term), Err))
    }
}
