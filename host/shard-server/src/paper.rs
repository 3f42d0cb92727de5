//! Algorithm 1 as printed, lines 4 to 28, to look at: what it gets wrong it gets wrong here.

use async_trait::async_trait;
use ringwright_model::{Key, NEVER, Term};
use ringwright_wire::{Op, PaperAnswer, PaperOp, PaperStep, Refusal, RefusalReason, WireError};

use crate::catalog::{Shard, check_term};
use crate::database::Transaction;
use crate::versions;
use crate::writer::{Unit, Write};

#[async_trait]
impl Write for PaperStep {
    type Answer = PaperAnswer;

    async fn perform(&self, unit: &mut Unit) -> Result<PaperAnswer, WireError> {
        unit.catalog.check(&self.stamp)?;
        check_term(self.vat)?;
        let shard = unit.catalog.whole_mut(&self.shard)?;
        clean_up(&mut unit.tx, shard, self.vat).await?;
        match &self.op {
            // Lines 7 to 9.
            PaperOp::Read(low, high) => {
                let keys = (*low, *high);
                let rows = versions::range(&mut unit.tx, shard.number, keys, self.vat).await?;
                Ok(PaperAnswer::Rows(rows))
            }
            PaperOp::Write(op) => write(&mut unit.tx, shard, self.vat, op).await,
        }
    }
}

/// Lines 4 to 6: run for a read too, whatever VAT it came with.
async fn clean_up(tx: &mut Transaction, shard: &mut Shard, vat: Term) -> Result<(), WireError> {
    let sql = "DELETE FROM row_version
               WHERE shard = $1 AND dat <= $2 AND dat < 9223372036854775807";
    tx.execute(sql, &[shard.number.into(), vat.into()]).await?;
    let reach = shard.reach.max(vat);
    versions::undo(tx, shard, vat).await?;
    // Algorithm 1 knows nothing of these. The rules of the other protocol, should it run on
    // this database later, are told what is gone, and believe the rest.
    shard.reach = reach;
    shard.safe_point = shard.safe_point.max(vat);
    shard.vat_seen = shard.vat_seen.max(vat);
    shard.held = Some(shard.vat_seen);
    Ok(())
}

/// Lines 11 to 25.
async fn write(
    tx: &mut Transaction,
    shard: &mut Shard,
    vat: Term,
    op: &Op,
) -> Result<PaperAnswer, WireError> {
    let (number, key) = (shard.number, op.key());
    let old: Option<(i64, Key, i64)> = versions::live(tx, &[(number, key)]).await?.pop();
    let refused = |reason| Ok(PaperAnswer::Refused(Refusal { key, reason }));
    let mut term = shard.paper_term.max(vat) + 1;
    match (op, old) {
        (Op::Insert { row, .. }, None) => {
            versions::put(tx, &[(number, key, term, NEVER, row)]).await?;
        }
        (Op::Delete { .. }, Some((_, _, cat))) => {
            versions::end(tx, &[(number, key, cat, term)]).await?;
        }
        (Op::Update { row, .. }, Some((_, _, cat))) => {
            versions::end(tx, &[(number, key, cat, term)]).await?;
            term += 1; // between the two, the row is in neither version
            versions::put(tx, &[(number, key, term, NEVER, row)]).await?;
        }
        (Op::Insert { .. }, Some(_)) => return refused(RefusalReason::Exists),
        (Op::Update { .. } | Op::Delete { .. }, None) => return refused(RefusalReason::Missing),
    }
    shard.paper_term = term;
    shard.top = shard.top.max(term);
    shard.reach = shard.reach.max(term);
    Ok(PaperAnswer::Vat(term))
}
