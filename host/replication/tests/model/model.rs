//! What can happen next, and what it does.

use stateright::{Model, Property};

use crate::balancer::{Balancer, JoinStage, Slot};
use crate::cases::{Budget, Case, Mask, bits, has};
use crate::clients::Stage;
use crate::invariants;
use crate::state::{Body, Message, State};

#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Writes start as one batch.
    Write(u8, Mask),
    /// The next step of a batch whose rounds are over.
    Step(u8, usize),
    /// A read starts.
    Read(u8, u8),
    /// It asks a server about a shard.
    ReadShard(u8, usize, u8, u8),
    ReadAgain(u8, usize),
    FinishRead(u8, usize),

    Arrive(Message),
    /// It arrives, and may arrive again.
    Repeat(Message),
    /// It arrives; the answer does not.
    ArriveUnheard(Message),
    /// It arrives at another server.
    Misdeliver(Message, u8),
    /// A balancer waits no more for a server's answer to a batch.
    GiveUp(u8, u8, u8),
    GiveUpJoin(u8),
    GiveUpAttach(u8),

    /// The next balancer reads the metadata too early.
    Preload,
    TakeOver,
    Attach(u8, u8),
    Attached(u8),
    Detach(u8, u8),
    Guess(u8, u8, u8),
    Leave(u8, u8, u8),
    PutBack(u8, u8, u8),
    Collect(u8, u8),

    /// Balancer, shard, target, source.
    Join(u8, u8, u8, u8),
    LastDelta(u8),
    Admit(u8),

    LoseDisk(u8),
    Flush(u8),
    Crash(u8),
}

impl Model for Case {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(self)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (by, balancer) in (0..).zip(&state.balancers) {
            if !balancer.stood_down {
                self.client_actions(state, by, balancer, actions);
                self.replica_actions(state, by, balancer, actions);
            }
        }
        self.network_actions(state, actions);
        if state.budget.takeovers > 0 {
            if !self.rules.take_charge_before_loading && state.preloaded.is_none() {
                actions.push(Action::Preload);
            }
            actions.push(Action::TakeOver);
        }
        for server in 0..self.servers {
            if state.budget.lost_disks > 0 {
                actions.push(Action::LoseDisk(server));
            }
            if state.servers[usize::from(server)].disk.is_some() {
                actions.push(Action::Flush(server));
                if state.budget.crashes > 0 {
                    actions.push(Action::Crash(server));
                }
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        let taken = next.take(self, action) && next != *last;
        next.excuse();
        taken.then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        invariants::properties()
    }
}

impl Case {
    fn client_actions(&self, state: &State, by: u8, b: &Balancer, actions: &mut Vec<Action>) {
        let idle = |i: &u8| state.clients[usize::from(*i)].stage == Stage::Idle;
        let waiting: Vec<u8> = (0..self.requests.len() as u8).filter(idle).collect();
        if b.in_charge || !self.rules.answer_only_in_charge {
            for &i in &waiting {
                if !self.is_write(i) {
                    actions.push(Action::Read(by, i));
                    continue;
                }
                actions.push(Action::Write(by, 1 << i));
                let others = waiting.iter().filter(|j| self.group && **j > i && self.is_write(**j));
                actions.extend(others.map(|j| Action::Write(by, 1 << i | 1 << j)));
            }
        }
        for (i, batch) in b.batches.iter().enumerate() {
            if !batch.steps.is_empty() {
                actions.push(Action::Step(by, i));
            }
            for (server, slot) in &batch.asked {
                if *slot == Slot::Waiting && state.budget.timeouts > 0 {
                    actions.push(Action::GiveUp(by, batch.round, *server));
                }
            }
        }
        for (i, read) in b.reads.iter().enumerate() {
            let keys = self.keys(read.request);
            let open = keys.iter().zip(&read.rows).filter(|(_, row)| row.is_none());
            let open = open.fold(0, |mask: Mask, (key, _)| mask | 1 << self.shard_of(*key));
            for shard in bits(open) {
                let servers = state.readable(self, by, read, shard).into_iter();
                actions.extend(servers.map(|s| Action::ReadShard(by, i, shard, s)));
            }
            if open == 0 {
                actions.push(Action::FinishRead(by, i));
            } else if read.sent_back {
                actions.push(Action::ReadAgain(by, i));
            }
        }
    }

    fn replica_actions(&self, state: &State, by: u8, b: &Balancer, actions: &mut Vec<Action>) {
        let Budget { timeouts, joins, detaches, leaves, collections, .. } = state.budget;
        match &b.attach {
            Some(attach) if attach.call.is_none() => actions.push(Action::Attached(by)),
            Some(_) if timeouts > 0 => actions.push(Action::GiveUpAttach(by)),
            _ => {}
        }
        if let Some(join) = &b.join {
            match join.stage {
                JoinStage::Copied => {
                    let free = !has(b.busy, join.shard) || !self.rules.hold_lock_for_last_delta;
                    actions.extend(free.then_some(Action::LastDelta(by)));
                }
                JoinStage::Admitting => actions.push(Action::Admit(by)),
                _ if timeouts > 0 => actions.push(Action::GiveUpJoin(by)),
                _ => {}
            }
        }
        for server in 0..self.servers {
            let i = usize::from(server);
            let free = b.busy & b.in_sync_of(server) == 0;
            let to_attach = b.busy & b.held_to_attach(self, server) == 0;
            let same = b.links[i] == Some(state.servers[i].incarnation);
            // Once it is suspected, its link is not used: whatever is there now is attached.
            if !same && to_attach && b.attach.is_none() {
                actions.push(Action::Attach(by, server));
            }
            if detaches > 0 && b.links[i].is_some() && free {
                actions.push(Action::Detach(by, server));
            }
            if collections > 0 && b.links[i].is_some() {
                actions.push(Action::Collect(by, server));
            }
        }
        for shard in 0..self.shards {
            let i = usize::from(shard);
            let in_sync = b.view.in_sync[i];
            let linked = b.linked();
            let free = !has(b.busy, shard);
            for server in 0..self.servers {
                let replica = has(b.view.replicas[i], server);
                let behind = replica && !has(in_sync, server) && has(linked, server);
                if joins > 0 && behind && b.join.is_none() {
                    let sources = bits(in_sync & linked);
                    actions.extend(sources.map(|s| Action::Join(by, shard, server, s)));
                }
                if leaves > 0 && replica && free && b.others_in_sync(shard, server) {
                    actions.push(Action::Leave(by, shard, server));
                }
                if !replica {
                    actions.push(Action::PutBack(by, shard, server));
                }
                if !self.rules.never_guess && in_sync & linked == 0 && behind && free {
                    actions.push(Action::Guess(by, shard, server));
                }
            }
        }
    }

    fn network_actions(&self, state: &State, actions: &mut Vec<Action>) {
        let budget = &state.budget;
        for message in &state.network {
            actions.push(Action::Arrive(message.clone()));
            if budget.repeats > 0 {
                actions.push(Action::Repeat(message.clone()));
            }
            if budget.lost_answers > 0 && !matches!(message.body, Body::Forget(..)) {
                actions.push(Action::ArriveUnheard(message.clone()));
            }
            if budget.misdeliveries > 0 {
                let others = (0..self.servers).filter(|s| *s != message.to);
                actions.extend(others.map(|s| Action::Misdeliver(message.clone(), s)));
            }
        }
    }
}

impl State {
    /// Says whether the action could be taken.
    fn take(&mut self, case: &Case, action: Action) -> bool {
        match action {
            Action::Write(by, jobs) => return self.start_batch(case, by, jobs),
            Action::Step(by, batch) => self.step(case, by, batch),
            Action::Read(by, request) => self.start_read(case, by, request),
            Action::ReadShard(by, read, shard, server) => {
                self.read_shard(case, by, read, shard, server);
            }
            Action::ReadAgain(by, read) => self.read_again(by, read),
            Action::FinishRead(by, read) => self.finish_read(case, by, read),
            Action::Arrive(message) => {
                self.network.remove(&message);
                self.arrive(case, &message, message.to, true);
            }
            Action::Repeat(message) => {
                self.budget.repeats -= 1;
                self.arrive(case, &message, message.to, true);
            }
            Action::ArriveUnheard(message) => {
                self.budget.lost_answers -= 1;
                self.network.remove(&message);
                self.arrive(case, &message, message.to, false);
            }
            Action::Misdeliver(message, server) => {
                self.budget.misdeliveries -= 1;
                self.network.remove(&message);
                self.arrive(case, &message, server, true);
            }
            Action::GiveUp(by, round, server) => {
                self.budget.timeouts -= 1;
                self.answered(case, by, round, server, Slot::Failed);
            }
            Action::GiveUpJoin(by) => {
                self.budget.timeouts -= 1;
                self.balancer(by).abandon_join();
            }
            Action::GiveUpAttach(by) => {
                self.budget.timeouts -= 1;
                self.balancer(by).abandon_attach();
            }
            Action::Preload => self.preloaded = Some(self.meta.view.clone()),
            Action::TakeOver => {
                self.budget.takeovers -= 1;
                self.meta.epoch += 1;
                self.balancers.iter_mut().for_each(|b| b.in_charge = false);
                let view = self.preloaded.take().unwrap_or_else(|| self.meta.view.clone());
                let mut balancer = Balancer::new(view, self.meta.incarnations.clone());
                if !case.rules.adopt_before_serving {
                    balancer.links = balancer.incarnations.iter().map(|i| Some(*i)).collect();
                }
                self.balancers.push(balancer);
            }
            Action::Attach(by, server) => self.attach(case, by, server),
            Action::Attached(by) => self.attached(case, by),
            Action::Detach(by, server) => {
                self.budget.detaches -= 1;
                self.detach(case, by, server);
            }
            Action::Guess(by, shard, server) => self.guess(case, by, shard, server),
            Action::Leave(by, shard, server) => {
                self.budget.leaves -= 1;
                self.leave(case, by, shard, server);
            }
            Action::PutBack(by, shard, server) => self.put_back(case, by, shard, server),
            Action::Collect(by, server) => {
                self.budget.collections -= 1;
                self.collect(case, by, server);
            }
            Action::Join(by, shard, server, source) => {
                self.budget.joins -= 1;
                self.start_join(case, by, shard, server, source);
            }
            Action::LastDelta(by) => self.last_delta(case, by),
            Action::Admit(by) => self.admit(case, by),
            Action::LoseDisk(server) => {
                self.budget.lost_disks -= 1;
                self.lose_disk(server);
            }
            Action::Flush(server) => self.server(server).disk = None,
            Action::Crash(server) => {
                self.budget.crashes -= 1;
                let server = self.server(server);
                server.shards = server.disk.take().unwrap_or_default();
            }
        }
        true
    }
}
