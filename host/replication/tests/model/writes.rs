//! Writes at a balancer: rounds until the replicas agree, the commit, the answers.

use crate::balancer::{Batch, Part, Slot, Step};
use crate::cases::{Case, Mask, bits, has};
use crate::clients::{Answer, Stage, linearizable, torn};
use crate::server::{Refused, ShardBatch};
use crate::state::{Body, Message, State};

impl State {
    /// Starts requests as one batch, where their shards are free and their keys differ.
    pub fn start_batch(&mut self, case: &Case, by: u8, jobs: Mask) -> bool {
        let mut keys: Vec<u8> = bits(jobs).flat_map(|job| case.keys(job)).collect();
        keys.sort_unstable();
        let shards = bits(jobs).fold(0, |mask, job| mask | case.shards_of(job));
        let balancer = &self.balancers[usize::from(by)];
        let held = case.rules.write_lock && balancer.busy & shards != 0;
        if held || keys.windows(2).any(|two| two[0] == two[1]) {
            return false;
        }
        let safe_points = balancer.safe_points(case.rules.safe_point_respects_readers);
        let part = |shard: u8| {
            let i = usize::from(shard);
            Part {
                shard,
                vat: balancer.view.vat[i],
                safe_point: safe_points[i],
                replicas: balancer.view.in_sync[i],
                fallen: 0,
                jobs: bits(jobs)
                    .filter(|job| has(case.shards_of(*job), shard))
                    .fold(0, |mask, job| mask | 1 << job),
                dirty: true,
                term: balancer.view.vat[i] + 1,
            }
        };
        let batch = Batch {
            jobs,
            refused: 0,
            unavailable: 0,
            parts: bits(shards).map(part).collect(),
            round: 0,
            due: 0,
            asked: Vec::new(),
            steps: Vec::new(),
        };
        self.balancer(by).busy |= shards;
        bits(jobs).for_each(|job| self.ask(job));
        self.rounds(case, by, batch);
        true
    }

    /// A client makes its request.
    pub fn ask(&mut self, request: u8) {
        let told = |i: &u8| matches!(self.clients[usize::from(*i)].stage, Stage::Told(_));
        let after = (0..self.clients.len() as u8).filter(told).fold(0, |mask, i| mask | 1 << i);
        let client = &mut self.clients[usize::from(request)];
        client.stage = Stage::Asked;
        client.after = after;
    }

    /// A client has its answer.
    pub fn tell(&mut self, case: &Case, request: u8, answer: Answer) {
        if let Answer::Rows(rows) = &answer {
            self.torn |= torn(case, &self.clients, &case.keys(request), rows);
        }
        self.clients[usize::from(request)].stage = Stage::Told(answer);
        self.nonlinear |= !linearizable(case, &self.clients);
    }

    /// A server's part in a round is known.
    pub fn answered(&mut self, case: &Case, by: u8, round: u8, server: u8, slot: Slot) {
        let batches = &mut self.balancer(by).batches;
        let waiting = (server, Slot::Waiting);
        let Some(i) = batches.iter().position(|b| b.round == round && b.asked.contains(&waiting))
        else {
            return;
        };
        let mut batch = batches.remove(i);
        batch.asked.iter_mut().filter(|a| **a == waiting).for_each(|a| a.1 = slot.clone());
        self.rounds(case, by, batch);
    }

    /// Takes a batch as far as it goes without hearing from anybody.
    fn rounds(&mut self, case: &Case, by: u8, mut batch: Batch) {
        loop {
            let waiting = batch.asked.iter().any(|(_, slot)| *slot == Slot::Waiting);
            let heard = batch.asked.iter().any(|(_, slot)| matches!(slot, Slot::Answered(_)));
            if waiting && (case.rules.ack_after_all_in_sync || !heard) {
                break;
            }
            batch.take_answers(case);
            batch.fail_short(case);
            let due = |p: &Part| p.dirty && batch.is_live(p);
            batch.due = (0..batch.parts.len() as u8)
                .filter(|p| due(&batch.parts[usize::from(*p)]))
                .fold(0, |mask, p| mask | 1 << p);
            if batch.due == 0 {
                batch.plan(case);
                break;
            }
            self.send_round(case, by, &mut batch);
            if self.balancer(by).stood_down {
                return;
            }
        }
        let balancer = self.balancer(by);
        balancer.batches.push(batch);
        balancer.batches.sort_by_key(|b| b.jobs);
    }

    fn send_round(&mut self, case: &Case, by: u8, batch: &mut Batch) {
        let balancer = self.balancer(by);
        balancer.round += 1;
        batch.round = balancer.round;
        let due: Vec<&Part> = bits(batch.due).map(|p| &batch.parts[usize::from(p)]).collect();
        let asked = due.iter().fold(0, |mask, part| mask | part.replicas);
        for to in bits(asked) {
            let Some(stamp) = self.stamp(by, to) else {
                batch.asked.push((to, Slot::Failed));
                continue;
            };
            let parts = due.iter().filter(|part| has(part.replicas, to));
            let batches = parts.map(|part| ShardBatch {
                shard: part.shard,
                vat: part.vat,
                safe_point: part.safe_point.min(part.vat),
                jobs: part.jobs & batch.left(),
            });
            let message =
                Message { to, from: by, stamp, body: Body::Apply(batch.round, batches.collect()) };
            if case.late.applies {
                batch.asked.push((to, Slot::Waiting));
                self.network.insert(message);
                continue;
            }
            let Body::Apply(round, batches) = &message.body else { continue };
            match self.server(to).apply(case, stamp, *round, batches) {
                Ok(applied) => batch.asked.push((to, Slot::Answered(applied))),
                Err(Refused::Deposed) => return self.balancer(by).stand_down(),
                Err(_) => batch.asked.push((to, Slot::Failed)),
            }
        }
    }

    /// Takes the next step of a batch whose rounds are over.
    pub fn step(&mut self, case: &Case, by: u8, batch: usize) {
        let mut batch = self.balancer(by).batches.remove(batch);
        match batch.steps.remove(0) {
            Step::Commit(parts) => {
                if !self.may_commit(case, by) {
                    return;
                }
                self.commit(case, &batch, parts);
            }
            Step::Publish(parts) => {
                self.publish(by, &batch, parts);
                // Nothing that happens between the last two steps can tell them apart.
                if batch.steps == [Step::Answer] {
                    batch.steps.clear();
                    self.answer(case, by, &batch);
                }
            }
            Step::Answer => self.answer(case, by, &batch),
        }
        let balancer = self.balancer(by);
        if batch.steps.is_empty() {
            batch.parts.iter().for_each(|p| balancer.busy &= !(1 << p.shard));
        } else {
            balancer.batches.push(batch);
            balancer.batches.sort_by_key(|b| b.jobs);
        }
    }

    fn commit(&mut self, case: &Case, batch: &Batch, parts: Mask) {
        for part in bits(parts).map(|p| &batch.parts[usize::from(p)]) {
            let shard = usize::from(part.shard);
            let vat = &mut self.meta.view.vat[shard];
            *vat = part.term.max(*vat);
            if case.rules.fallen_in_commit {
                self.meta.view.in_sync[shard] &= !part.fallen;
            }
            for job in bits(part.jobs & batch.left()) {
                self.clients[usize::from(job)].committed[shard] = Some(part.term);
            }
        }
    }

    fn publish(&mut self, by: u8, batch: &Batch, parts: Mask) {
        let view = &mut self.balancer(by).view;
        for part in bits(parts).map(|p| &batch.parts[usize::from(p)]) {
            let shard = usize::from(part.shard);
            view.vat[shard] = part.term;
            view.in_sync[shard] &= !part.fallen;
        }
    }

    fn answer(&mut self, case: &Case, by: u8, batch: &Batch) {
        // A refusal is an answer about the data: only whoever is in charge may give it.
        let in_charge = self.balancer(by).in_charge || !case.rules.answer_only_in_charge;
        for job in bits(batch.jobs) {
            if has(batch.refused, job) && in_charge {
                self.tell(case, job, Answer::Refused);
            } else if has(batch.unavailable, job) && in_charge {
                self.tell(case, job, Answer::Unavailable);
            } else if has(batch.left(), job) {
                self.tell(case, job, Answer::Written);
            }
        }
    }
}

impl Batch {
    /// What a round's answers mean.
    fn take_answers(&mut self, case: &Case) {
        let asked = std::mem::take(&mut self.asked);
        let due = std::mem::take(&mut self.due);
        // All of them first: what a refusal on one part makes dirty must stay so.
        bits(due).for_each(|p| self.parts[usize::from(p)].dirty = false);
        let mut refused = 0;
        for p in bits(due) {
            let part = &mut self.parts[usize::from(p)];
            let mut heard: Vec<(u8, Mask)> = Vec::new();
            let replicas = part.replicas;
            for (server, slot) in asked.iter().filter(|(s, _)| has(replicas, *s)) {
                match slot {
                    Slot::Answered(applied) => {
                        let mut of = applied.iter().filter(|(shard, ..)| *shard == part.shard);
                        heard.extend(of.next().map(|(_, refused, _)| (*server, *refused)));
                        let terms = applied.iter().filter(|(shard, ..)| *shard == part.shard);
                        part.term = terms.map(|(.., term)| *term).fold(part.term, Ord::max);
                    }
                    Slot::Failed => part.fall(*server),
                    // Only where a write does not wait for all.
                    Slot::Waiting => {}
                }
            }
            let votes = |refused: Mask| heard.iter().filter(|(_, other)| *other == refused).count();
            let agreed = heard.iter().rev().max_by_key(|(_, refused)| votes(*refused)).copied();
            let Some((_, agreed)) = agreed else { continue };
            heard.iter().filter(|(_, r)| *r != agreed).for_each(|(s, _)| part.fall(*s));
            for job in bits(agreed & !refused) {
                refused |= 1 << job;
                // Refused here, it was not applied here; where it was, it must go.
                let others = self.parts.iter_mut().zip(0..).filter(|(_, at)| *at != p);
                let hit = others.filter(|(other, _)| has(other.jobs, job));
                hit.for_each(|(other, _)| other.dirty |= case.rules.resend_without_refused);
            }
        }
        self.refused |= refused;
    }

    fn fail_short(&mut self, case: &Case) {
        if !case.rules.needs_one_in_sync {
            return;
        }
        let failed = self.parts.iter().filter(|p| p.replicas == 0);
        let failed = failed.fold(0, |mask, p| mask | p.jobs) & self.left();
        self.unavailable |= failed;
        self.parts.iter_mut().for_each(|p| p.dirty |= p.jobs & failed != 0);
    }

    /// What is to be done once the rounds are over.
    fn plan(&mut self, case: &Case) {
        let live: Vec<Mask> = (0..self.parts.len() as u8)
            .filter(|p| self.is_live(&self.parts[usize::from(*p)]))
            .map(|p| 1 << p)
            .collect();
        let all = live.iter().fold(0, |all, part| all | part);
        let steps = |together: bool, step: fn(Mask) -> Step| -> Vec<Step> {
            match together {
                _ if all == 0 => vec![],
                true => vec![step(all)],
                false => live.iter().map(|part| step(*part)).collect(),
            }
        };
        let rules = &case.rules;
        let commit = steps(rules.commit_together, Step::Commit);
        let publish = steps(rules.publish_together, Step::Publish);
        let answer = vec![Step::Answer];
        self.steps = match (rules.vat_commit_before_publish, rules.publish_before_answer) {
            (false, _) => [publish, answer, commit].concat(),
            (_, false) => [commit, answer, publish].concat(),
            _ => [commit, publish, answer].concat(),
        };
    }
}

impl Part {
    fn fall(&mut self, server: u8) {
        self.replicas &= !(1 << server);
        self.fallen |= 1 << server;
    }
}
