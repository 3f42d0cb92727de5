//! A shard server: what its database holds, and what a request does to it.
//!
//! Mirrors `ringwright-shard-server`. Each function is one transaction: it changes everything
//! it says or, where it refuses, nothing. Left out: `top`, which only spares needless undoing.

use crate::cases::{Case, Kind, Mask, Term, Value, bits};
use crate::rules::Rules;

pub const NEVER: Term = Term::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    pub key: u8,
    pub cat: Term,
    pub dat: Term,
    pub value: Value,
}

/// A shard as one database has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shard {
    pub held: Option<Term>,
    pub reach: Term,
    pub vat_seen: Term,
    pub last_round: u8,
    pub safe_point: Term,
    pub joining: bool,
    pub join: u8,
    pub page: u8,
    /// Line 11's `currentTerm`; 0 unless servers give the terms.
    current_term: Term,
    /// Sorted.
    pub rows: Vec<Version>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    /// Which database this is.
    pub incarnation: u8,
    pub epoch: u8,
    pub shards: Vec<Option<Shard>>,
    /// What is on disk, where that is not what was answered.
    pub disk: Option<Vec<Option<Shard>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stamp {
    pub epoch: u8,
    pub incarnation: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The server is in a later epoch.
    Deposed,
    Incarnation,
    Stale,
    NotHeld,
    BelowSafePoint,
}

/// A batch's part in one shard.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardBatch {
    pub shard: u8,
    pub vat: Term,
    pub safe_point: Term,
    /// The requests in it.
    pub jobs: Mask,
}

/// By shard: which jobs were refused, and the term of the rest.
pub type Applied = Vec<(u8, Mask, Term)>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Page {
    pub shard: u8,
    pub join: u8,
    pub number: u8,
    /// On the first page: from what the replica holds, or from nothing.
    pub from: Option<Term>,
    pub versions: Vec<Version>,
    /// On the last page of a run: what is held now, and where history begins.
    pub finish: Option<(Term, Term)>,
}

impl Shard {
    /// A shard whose server was told that its VAT is 1.
    pub fn with(rows: Vec<Version>) -> Shard {
        let current_term = rows.iter().map(|r| r.cat).max().unwrap_or(0);
        Shard { held: Some(1), reach: 1, vat_seen: 1, current_term, rows, ..Shard::default() }
    }

    pub fn undo(&mut self, vat: Term) {
        self.rows.retain(|v| v.cat <= vat);
        self.rows.iter_mut().filter(|v| v.dat > vat).for_each(|v| v.dat = NEVER);
        self.reach = self.reach.min(vat);
    }

    /// The value of a key at a term.
    pub fn value(&self, key: u8, vat: Term) -> Option<Value> {
        self.rows.iter().find(|v| v.key == key && v.cat <= vat && vat < v.dat).map(|v| v.value)
    }

    fn put(&mut self, version: Version) {
        self.rows.retain(|v| (v.key, v.cat) != (version.key, version.cat));
        self.rows.push(version);
        self.rows.sort_unstable();
    }

    fn live(&mut self, key: u8) -> Option<&mut Version> {
        self.rows.iter_mut().find(|v| v.key == key && v.dat == NEVER)
    }

    fn collect(&mut self, safe_point: Term) {
        self.safe_point = self.safe_point.max(safe_point.min(self.vat_seen));
        let safe_point = self.safe_point;
        self.rows.retain(|v| v.dat > safe_point);
    }
}

impl Server {
    /// What survives a crash.
    pub fn on_disk(&self) -> &[Option<Shard>] {
        self.disk.as_ref().unwrap_or(&self.shards)
    }

    fn check(&self, rules: &Rules, stamp: Stamp) -> Result<(), Refused> {
        if rules.check_incarnation && stamp.incarnation != self.incarnation {
            return Err(Refused::Incarnation);
        }
        if rules.fence_epoch && stamp.epoch < self.epoch {
            return Err(Refused::Deposed);
        }
        // A server that was not adopted yet refuses too, where it is to be adopted first.
        if rules.fence_epoch && rules.adopt_before_serving && stamp.epoch > self.epoch {
            return Err(Refused::Stale);
        }
        Ok(())
    }

    fn whole(&mut self, rules: &Rules, shard: u8) -> Result<&mut Shard, Refused> {
        let open = |s: &&mut Shard| s.held.is_some() && !(rules.closed_while_joining && s.joining);
        self.shards[usize::from(shard)].as_mut().filter(open).ok_or(Refused::NotHeld)
    }

    pub fn apply(
        &mut self,
        case: &Case,
        stamp: Stamp,
        round: u8,
        batches: &[ShardBatch],
    ) -> Result<Applied, Refused> {
        let rules = &case.rules;
        self.check(rules, stamp)?;
        let mut next = self.clone();
        let mut applied = Vec::new();
        for batch in batches {
            let shard = next.whole(rules, batch.shard)?;
            let lower = batch.vat < shard.vat_seen;
            let late = batch.vat == shard.vat_seen && round <= shard.last_round;
            if (rules.refuse_lower_vat && lower) || (rules.refuse_older_rounds && late) {
                return Err(Refused::Stale);
            }
            if rules.refuse_missed && batch.vat > shard.reach {
                return Err(Refused::NotHeld);
            }
            if rules.undo_uncommitted {
                shard.undo(batch.vat);
            }
            shard.held = Some(batch.vat);
            shard.vat_seen = batch.vat;
            shard.last_round = round;
            shard.safe_point = shard.safe_point.max(batch.safe_point.min(batch.vat));
            shard.reach = batch.vat + 1;
            let mut term = batch.vat + 1;
            if !rules.balancer_gives_term {
                term = shard.current_term.max(batch.vat) + 1;
                shard.current_term = term;
                shard.reach = term;
            }
            applied.push((batch.shard, change(shard, case, batch, term), term));
        }
        if !rules.flush_before_answer && next.disk.is_none() {
            next.disk = Some(self.shards.clone());
        }
        *self = next;
        Ok(applied)
    }

    pub fn read(
        &mut self,
        rules: &Rules,
        stamp: Stamp,
        shard: u8,
        vat: Term,
        keys: &[u8],
    ) -> Result<Vec<Option<Value>>, Refused> {
        self.check(rules, stamp)?;
        let shard = self.whole(rules, shard)?;
        if rules.refuse_below_safe_point && vat < shard.safe_point {
            return Err(Refused::BelowSafePoint);
        }
        if rules.refuse_missed && vat > shard.reach {
            return Err(Refused::NotHeld);
        }
        if !rules.reads_clean_nothing {
            shard.rows.retain(|v| v.dat > vat);
            shard.undo(vat);
        }
        Ok(keys.iter().map(|k| shard.value(*k, vat)).collect())
    }

    /// The versions a joining replica needs: what it sees at `upto` where it starts from
    /// nothing, what happened since `after` else. And where the history begins here.
    pub fn export(
        &mut self,
        rules: &Rules,
        stamp: Stamp,
        shard: u8,
        after: Option<Term>,
        upto: Term,
    ) -> Result<(Vec<Version>, Term), Refused> {
        self.check(rules, stamp)?;
        let shard = self.whole(rules, shard)?;
        if rules.delta_needs_history && after.unwrap_or(upto) < shard.safe_point {
            return Err(Refused::BelowSafePoint);
        }
        if rules.refuse_missed && upto > shard.reach {
            return Err(Refused::NotHeld);
        }
        let upto = if rules.copy_committed_only { upto } else { NEVER - 1 };
        let ended = |v: &Version| if v.dat > upto { NEVER } else { v.dat };
        let wanted = |v: &Version| {
            let last = if v.dat > upto { v.cat } else { v.dat };
            v.cat <= upto && after.map_or(v.dat > upto, |after| last > after)
        };
        let versions = shard.rows.iter().filter(|v| wanted(v));
        Ok((versions.map(|v| Version { dat: ended(v), ..*v }).collect(), shard.safe_point))
    }

    pub fn import(&mut self, rules: &Rules, stamp: Stamp, page: &Page) -> Result<(), Refused> {
        self.check(rules, stamp)?;
        let slot = &mut self.shards[usize::from(page.shard)];
        let known = slot.as_ref();
        if page.number == 0 {
            if rules.refuse_older_joins && known.is_some_and(|s| page.join <= s.join) {
                return Err(Refused::Stale);
            }
            let mut shard = match page.from {
                None => Shard { vat_seen: known.map_or(0, |s| s.vat_seen), ..Shard::default() },
                Some(from) => {
                    let held = known.filter(|s| s.held >= Some(from));
                    let mut shard = held.ok_or(Refused::NotHeld)?.clone();
                    if rules.undo_before_delta {
                        shard.undo(from);
                    }
                    shard.held = Some(from);
                    shard
                }
            };
            (shard.join, shard.joining, shard.page) = (page.join, true, 1);
            *slot = Some(shard);
        } else {
            let shard = slot.as_mut().ok_or(Refused::NotHeld)?;
            let next = shard.joining && shard.join == page.join && shard.page == page.number;
            if rules.refuse_older_joins && !next {
                return Err(Refused::Stale);
            }
            shard.page += 1;
        }
        let shard = slot.as_mut().ok_or(Refused::NotHeld)?;
        page.versions.iter().for_each(|v| shard.put(*v));
        if let Some((held, safe_point)) = page.finish {
            shard.held = Some(held);
            shard.reach = held;
            shard.vat_seen = shard.vat_seen.max(held);
            shard.safe_point = shard.safe_point.max(safe_point);
        }
        Ok(())
    }

    /// Takes the balancer of `epoch` for the one in charge.
    pub fn adopt(&mut self, epoch: u8) -> Result<(), Refused> {
        if epoch < self.epoch {
            return Err(Refused::Deposed);
        }
        if epoch > self.epoch {
            self.epoch = epoch;
            for shard in self.shards.iter_mut().flatten() {
                (shard.last_round, shard.join, shard.joining, shard.page) = (0, 0, false, 0);
            }
        }
        Ok(())
    }

    /// Is told what it holds in sync: shard and VAT.
    pub fn assign(
        &mut self,
        rules: &Rules,
        stamp: Stamp,
        in_sync: &[(u8, Term)],
    ) -> Result<(), Refused> {
        self.check(rules, stamp)?;
        let mut shards = self.shards.clone();
        for &(id, vat) in in_sync {
            let shard = shards[usize::from(id)].as_mut().ok_or(Refused::NotHeld)?;
            if shard.held.is_none() || (rules.refuse_missed && vat > shard.reach) {
                return Err(Refused::NotHeld);
            }
            if rules.refuse_lower_vat && vat < shard.vat_seen {
                return Err(Refused::Stale);
            }
            let late = !shard.joining && shard.last_round > 0;
            if !(rules.late_assign_undoes_nothing && late) {
                shard.undo(vat);
            }
            shard.joining = false;
            shard.held = Some(vat);
            shard.vat_seen = vat;
        }
        self.shards = shards;
        Ok(())
    }

    /// Removes a shard it is to hold no more; `join` is the latest attempt to join when that
    /// was decided.
    pub fn forget(
        &mut self,
        rules: &Rules,
        stamp: Stamp,
        shard: u8,
        join: u8,
    ) -> Result<(), Refused> {
        self.check(rules, stamp)?;
        let slot = &mut self.shards[usize::from(shard)];
        if rules.late_forget_refused && slot.as_ref().is_some_and(|s| s.join > join) {
            return Err(Refused::Stale);
        }
        *slot = None;
        Ok(())
    }

    pub fn collect(
        &mut self,
        rules: &Rules,
        stamp: Stamp,
        safe_points: &[(u8, Term)],
    ) -> Result<(), Refused> {
        self.check(rules, stamp)?;
        for &(id, point) in safe_points {
            if let Some(shard) = &mut self.shards[usize::from(id)] {
                shard.collect(point);
            }
        }
        Ok(())
    }
}

/// Takes each request whole or refuses it whole; which were refused.
fn change(shard: &mut Shard, case: &Case, batch: &ShardBatch, term: Term) -> Mask {
    let mut refused = 0;
    for job in bits(batch.jobs) {
        let ops: Vec<_> = case.ops(job, batch.shard).collect();
        let fits =
            |shard: &mut Shard, kind, key| shard.live(key).is_some() == (kind != Kind::Insert);
        if !ops.iter().all(|op| fits(shard, op.kind, op.key)) {
            refused |= 1 << job;
            continue;
        }
        for op in ops {
            if let Some(old) = shard.live(op.key) {
                old.dat = term;
            }
            if op.kind != Kind::Delete {
                shard.put(Version { key: op.key, cat: term, dat: NEVER, value: job + 1 });
            }
        }
    }
    refused
}
