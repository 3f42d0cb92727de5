//! Reads at a balancer. They change nothing anywhere, so a question and its answer are one step:
//! what is late about them is when it happens, and when the client hears of it.

use crate::balancer::Read;
use crate::cases::{Case, has};
use crate::clients::Answer;
use crate::server::Refused;
use crate::state::State;

impl State {
    pub fn start_read(&mut self, case: &Case, by: u8, request: u8) {
        self.ask(request);
        let view = &self.balancers[usize::from(by)].view;
        let read = Read {
            request,
            vat: view.vat.clone(),
            in_sync: view.in_sync.clone(),
            rows: vec![None; case.keys(request).len()],
            sent_back: false,
        };
        self.balancer(by).reads.push(read);
        self.balancer(by).reads.sort_by_key(|r| r.request);
    }

    /// Reads one shard on one server.
    pub fn read_shard(&mut self, case: &Case, by: u8, read: usize, shard: u8, server: u8) {
        let Some(stamp) = self.stamp(by, server) else { return };
        let balancer = &self.balancers[usize::from(by)];
        let under_way = &balancer.reads[read];
        let vat = match case.rules.snapshot_at_one_instant {
            true => under_way.vat[usize::from(shard)],
            false => balancer.view.vat[usize::from(shard)],
        };
        let keys = case.keys(under_way.request);
        let here = |key: &&u8| case.shard_of(**key) == shard;
        let wanted: Vec<u8> = keys.iter().filter(here).copied().collect();
        let answer = self.server(server).read(&case.rules, stamp, shard, vat, &wanted);
        let under_way = &mut self.balancer(by).reads[read];
        match answer {
            Ok(rows) => {
                let places = (0..keys.len()).filter(|i| case.shard_of(keys[*i]) == shard);
                places.zip(rows).for_each(|(i, row)| under_way.rows[i] = Some(row));
            }
            Err(Refused::Deposed) => self.balancer(by).stand_down(),
            Err(refused) => {
                under_way.sent_back = true;
                self.sent_back |= refused == Refused::BelowSafePoint;
            }
        }
    }

    /// Begins again with a fresh view.
    pub fn read_again(&mut self, by: u8, read: usize) {
        let view = self.balancers[usize::from(by)].view.clone();
        let read = &mut self.balancer(by).reads[read];
        (read.vat, read.in_sync) = (view.vat, view.in_sync);
        read.rows.fill(None);
        read.sent_back = false;
    }

    pub fn finish_read(&mut self, case: &Case, by: u8, read: usize) {
        let balancer = self.balancer(by);
        let read = balancer.reads.remove(read);
        // Checked after the data came: until then nobody else can have committed anything.
        if balancer.in_charge || !case.rules.answer_only_in_charge {
            let rows = read.rows.into_iter().flatten().collect();
            self.tell(case, read.request, Answer::Rows(rows));
        }
    }

    /// The servers a read may ask for a shard.
    pub fn readable(&self, case: &Case, by: u8, read: &Read, shard: u8) -> Vec<u8> {
        let balancer = &self.balancers[usize::from(by)];
        let holders = match case.rules.read_in_sync_only {
            true => read.in_sync[usize::from(shard)],
            false => balancer.view.replicas[usize::from(shard)],
        };
        (0..case.servers).filter(|s| has(holders & balancer.linked(), *s)).collect()
    }
}
