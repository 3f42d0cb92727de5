//! The paper's Algorithm 1 as printed, for `--protocol paper`: the balancer's lines.
//!
//! It loses writes (a read that meets a write in flight deletes it) and one dead replica fails
//! every write. Nothing here tries to be better than the original.

use ringwright_metadata::Change;
use ringwright_wire::{
    Op, PaperAnswer, PaperOp, PaperStep, QueryResult, RangeQuery, Refusal, WireError,
};

use crate::member::Link;
use crate::{Cluster, WriteError};

impl Cluster {
    pub(crate) async fn paper_write(
        &self,
        parts: Vec<(usize, Vec<Op>)>,
        remember: Option<Change>,
    ) -> Result<(), WriteError> {
        for (position, ops) in parts {
            let lock = self.paper_lock(position);
            let _shard = lock.lock().await;
            for op in ops {
                self.paper_process(position, op).await?;
            }
        }
        self.commits.commit(remember.into_iter().collect()).await?;
        Ok(())
    }

    /// PROCESSREQUEST for one row.
    async fn paper_process(&self, position: usize, op: Op) -> Result<(), WriteError> {
        let shard = self.views.current().shards[position].clone();
        let mut max_vat = shard.vat; // line 2
        let mut refused: Option<Refusal> = None;
        if shard.in_sync.is_empty() {
            let shard = shard.shard.id.clone();
            return Err(WriteError::Unavailable { shard, in_sync: 0, needed: 1 });
        }
        for member in shard.in_sync.iter() {
            let away = || WriteError::Unavailable {
                shard: shard.shard.id.clone(),
                in_sync: shard.in_sync.len() - 1,
                needed: shard.in_sync.len(),
            };
            let link = member.link().ok_or_else(away)?;
            let step = PaperStep {
                stamp: link.stamp.clone(),
                shard: shard.shard.id.clone(),
                vat: shard.vat,
                op: PaperOp::Write(op.clone()),
            };
            member.written(1);
            let _timed = member.traffic.writes.start_timer();
            match link.server.paper(step).await {
                Ok(PaperAnswer::Vat(vat)) => max_vat = max_vat.max(vat), // line 29
                Ok(PaperAnswer::Refused(refusal)) => refused = Some(refusal),
                _ => {
                    member.failures.writes.inc();
                    self.suspect(member);
                    return Err(away());
                }
            }
        }
        let id = shard.shard.id.clone();
        self.commits.commit(vec![Change::RaiseVat { shard: id, vat: max_vat }]).await?; // line 31
        self.views.publish(|view| view.shards[position].vat = max_vat);
        refused.map_or(Ok(()), |refusal| Err(WriteError::Refused(refusal)))
    }

    pub(crate) async fn paper_read(
        &self,
        link: &Link,
        query: RangeQuery,
    ) -> Result<QueryResult, WireError> {
        let step = PaperStep {
            stamp: link.stamp.clone(),
            shard: query.shard,
            vat: query.vat,
            op: PaperOp::Read(query.low, query.high),
        };
        match self.within(self.settings.read_timeout, link.server.paper(step)).await? {
            PaperAnswer::Rows(rows) => Ok(QueryResult::Rows(rows)),
            _ => Ok(QueryResult::NotHeld),
        }
    }
}
