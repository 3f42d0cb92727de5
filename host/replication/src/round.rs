//! The rounds of a batch: sent to all replicas in sync at once, until they agree.
//!
//! One round is the rule. Another follows where a request that was applied on one shard could
//! not be on another: the shards it touched are sent again without it, at the same term, and
//! the servers undo the first try by themselves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::join_all;
use ringwright_model::Term;
use ringwright_wire::{Applied, Apply, Op, Refusal, ShardBatch, WireError};
use tracing::{Instrument, debug_span};

use crate::queue::Job;
use crate::view::View;
use crate::{Cluster, Member, NotInCharge, WriteError};

/// A batch on its way.
pub(crate) struct Batch {
    /// By shard.
    pub(crate) parts: Vec<Part>,
    /// By job: why it will not be done.
    pub(crate) verdicts: Vec<Option<WriteError>>,
}

/// A batch's part in one shard.
pub(crate) struct Part {
    /// The shard's position in the view.
    pub(crate) position: usize,
    pub(crate) shard: String,
    pub(crate) vat: Term,
    safe_point: Term,
    /// The replicas that did all they were told so far.
    pub(crate) replicas: Vec<Arc<Member>>,
    /// Those that did not.
    pub(crate) fallen: Vec<Fallen>,
    ops: Vec<(usize, Vec<Op>)>,
    /// Whether the replicas hold something else than the jobs that are left.
    dirty: bool,
}

/// A replica that is no longer in sync.
pub(crate) struct Fallen {
    pub(crate) member: Arc<Member>,
    /// Whether it answered, but unlike the others: what it holds cannot be built upon.
    pub(crate) diverged: bool,
}

type Verdicts = Vec<Option<Refusal>>;

impl Batch {
    pub(crate) fn new(view: &View, safe_points: &[Term], jobs: &mut [Job]) -> Batch {
        let mut parts: BTreeMap<usize, Part> = BTreeMap::new();
        for (i, job) in jobs.iter_mut().enumerate() {
            for (position, ops) in job.parts.drain(..) {
                let Some(s) = view.shards.get(position) else { continue };
                let part = parts.entry(position).or_insert_with(|| Part {
                    position,
                    shard: s.shard.id.clone(),
                    vat: s.vat,
                    safe_point: safe_points.get(position).map_or(0, |p| *p.min(&s.vat)),
                    replicas: s.in_sync.to_vec(),
                    fallen: Vec::new(),
                    ops: Vec::new(),
                    dirty: true,
                });
                part.ops.push((i, ops));
            }
        }
        Batch {
            parts: parts.into_values().collect(),
            verdicts: jobs.iter().map(|_| None).collect(),
        }
    }

    /// Whether a job of the part is still to be done.
    pub(crate) fn is_live(&self, part: &Part) -> bool {
        part.ops.iter().any(|(job, _)| self.verdicts[*job].is_none())
    }

    /// The replicas that are no longer in sync once the batch is committed, by part.
    ///
    /// Where nothing of a part is, one that failed has missed nothing. One that answered unlike
    /// the others held something else before: it goes, as long as there are others.
    pub(crate) fn fallen(&self) -> impl Iterator<Item = (&Part, &Fallen)> {
        self.parts.iter().flat_map(|part| {
            let (live, last) = (self.is_live(part), part.replicas.is_empty());
            let gone = part.fallen.iter().filter(move |f| live || (f.diverged && !last));
            gone.map(move |fallen| (part, fallen))
        })
    }

    /// Runs rounds until every job is either applied on all its shards or has its verdict.
    pub(crate) async fn replicate(&mut self, cluster: &Cluster) -> Result<(), NotInCharge> {
        let needed = cluster.settings.min_in_sync.max(1);
        loop {
            self.fail_short_of(needed);
            let due: Vec<usize> = (0..self.parts.len())
                .filter(|&p| self.parts[p].dirty && self.is_live(&self.parts[p]))
                .collect();
            if due.is_empty() {
                return Ok(());
            }
            self.round(cluster, &due).instrument(debug_span!("round")).await?;
        }
    }

    fn fail_short_of(&mut self, needed: usize) {
        for p in 0..self.parts.len() {
            let part = &self.parts[p];
            let (in_sync, shard) = (part.replicas.len(), part.shard.clone());
            if in_sync < needed {
                let jobs: Vec<usize> = part.ops.iter().map(|(job, _)| *job).collect();
                let error = WriteError::Unavailable { shard, in_sync, needed };
                jobs.into_iter().for_each(|job| self.fail(job, error.clone()));
            }
        }
    }

    fn fail(&mut self, job: usize, error: WriteError) {
        if self.verdicts[job].is_some() {
            return;
        }
        self.verdicts[job] = Some(error);
        for part in &mut self.parts {
            part.dirty |= part.ops.iter().any(|(j, _)| *j == job);
        }
    }

    async fn round(&mut self, cluster: &Cluster, due: &[usize]) -> Result<(), NotInCharge> {
        let round = cluster.round.fetch_add(1, Ordering::Relaxed) + 1;
        let mut members: BTreeMap<&str, (Arc<Member>, Vec<usize>)> = BTreeMap::new();
        let mut sent: BTreeMap<usize, (Vec<usize>, ShardBatch)> = BTreeMap::new();
        for &p in due {
            let part = &self.parts[p];
            for m in &part.replicas {
                members.entry(&m.name).or_insert_with(|| (m.clone(), Vec::new())).1.push(p);
            }
            let live = part.ops.iter().filter(|(job, _)| self.verdicts[*job].is_none());
            let (jobs, requests) = live.cloned().unzip();
            let batch = ShardBatch {
                shard: part.shard.clone(),
                vat: part.vat,
                round,
                safe_point: part.safe_point,
                requests,
            };
            sent.insert(p, (jobs, batch));
        }
        let timed = cluster.metrics.rounds.start_timer();
        let answers = join_all(members.into_values().map(|(member, parts)| {
            let batches = parts.iter().filter_map(|p| Some(sent.get(p)?.1.clone())).collect();
            async move {
                let answer = cluster.apply_on(&member, batches).await;
                (member, parts, answer)
            }
        }))
        .await;
        timed.observe_duration();

        let mut heard: BTreeMap<usize, Vec<(Arc<Member>, Verdicts)>> = BTreeMap::new();
        for (member, parts, answer) in answers {
            match answer {
                Ok(applied) if fits(&applied, &parts, &sent) => {
                    for (p, verdicts) in parts.into_iter().zip(applied.refusals) {
                        heard.entry(p).or_default().push((member.clone(), verdicts));
                    }
                }
                Err(WireError::Epoch { current, given }) if current > given => {
                    cluster.charge.set_lost();
                    return Err(NotInCharge);
                }
                other => {
                    let error = other.err().map(|e| e.to_string());
                    tracing::warn!(server = %member.name, error, "a replica failed a write");
                    member.failures.writes.inc();
                    cluster.suspect(&member);
                    for p in parts {
                        self.parts[p].fall(&member, false);
                    }
                }
            }
        }
        for (p, (jobs, _)) in sent {
            self.parts[p].dirty = false;
            let answers = heard.remove(&p).unwrap_or_default();
            let Some(agreed) = majority(&self.parts[p].replicas, &answers) else { continue };
            for (member, verdicts) in &answers {
                if *verdicts != agreed {
                    tracing::error!(server = %member.name, shard = %self.parts[p].shard,
                        "a replica answered unlike the others");
                    self.parts[p].fall(member, true);
                }
            }
            for (job, refusal) in jobs.into_iter().zip(agreed) {
                let Some(refusal) = refusal else { continue };
                // Refused here, it was not applied here: this shard is as it should be.
                let dirty = self.parts[p].dirty;
                match &mut self.verdicts[job] {
                    // The lowest key stands for the request, whichever shard spoke first.
                    Some(WriteError::Refused(first)) => *first = (*first).min(refusal),
                    _ => self.fail(job, WriteError::Refused(refusal)),
                }
                self.parts[p].dirty = dirty;
            }
        }
        Ok(())
    }
}

impl Part {
    fn fall(&mut self, member: &Arc<Member>, diverged: bool) {
        self.replicas.retain(|m| m.name != member.name);
        self.fallen.push(Fallen { member: member.clone(), diverged });
    }
}

/// Whether an answer has a verdict for each request sent.
fn fits(
    applied: &Applied,
    parts: &[usize],
    sent: &BTreeMap<usize, (Vec<usize>, ShardBatch)>,
) -> bool {
    applied.refusals.len() == parts.len()
        && parts
            .iter()
            .zip(&applied.refusals)
            .all(|(p, verdicts)| sent.get(p).is_some_and(|(jobs, _)| jobs.len() == verdicts.len()))
}

/// What most replicas answered; among equals, what the first of them in the list did.
fn majority(replicas: &[Arc<Member>], answers: &[(Arc<Member>, Verdicts)]) -> Option<Verdicts> {
    let votes = |v: &Verdicts| answers.iter().filter(|(_, other)| other == v).count();
    let in_order = replicas
        .iter()
        .filter_map(|m| answers.iter().find(|(a, _)| a.name == m.name))
        .map(|(_, verdicts)| verdicts);
    in_order.rev().max_by_key(|v| votes(v)).cloned()
}

impl Cluster {
    async fn apply_on(
        &self,
        member: &Member,
        batches: Vec<ShardBatch>,
    ) -> Result<Applied, WireError> {
        let Some(link) = member.link() else {
            return Err(WireError::Unreachable { message: "not connected".into() });
        };
        let requests: usize = batches.iter().map(|b| b.requests.len()).sum();
        member.written(requests as u64);
        let _timed = member.traffic.writes.start_timer();
        let apply = Apply { stamp: link.stamp.clone(), batches };
        self.within(self.settings.write_timeout, link.ask(link.server.apply(apply))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringwright_wire::RefusalReason;

    #[test]
    fn the_majority_decides_and_the_first_breaks_a_tie() {
        let members: Vec<_> = (1..=3).map(|i| Member::new(i, &format!("s{i}"))).collect();
        let yes = vec![None];
        let no = vec![Some(Refusal { key: 1, reason: RefusalReason::Exists })];
        let answer = |i: usize, v: &Verdicts| (members[i].clone(), v.clone());
        let of = |answers: &[_]| majority(&members, answers);
        assert_eq!(of(&[answer(0, &no), answer(1, &yes), answer(2, &yes)]), Some(yes.clone()));
        assert_eq!(of(&[answer(1, &yes), answer(0, &no)]), Some(no.clone()));
        assert_eq!(of(&[answer(0, &yes), answer(1, &no)]), Some(yes));
        assert_eq!(of(&[]), None);
    }
}
