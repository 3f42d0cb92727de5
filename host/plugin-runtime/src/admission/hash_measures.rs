//! How good a hash function is, and what it takes.

use std::collections::BTreeSet;
use std::time::Duration;

use ringwright_ring::{Balance, Moves, Table};

use super::cost::{nanoseconds, shortest};
use super::hash::{SLOTS, Topology, six_digits};
use super::report::Measure;
use super::score::{BALANCE, MOVES, at_least, at_most};
use super::sitting::Sitting;
use super::trial::{Doing as _, Fault, Trial};
use crate::{CallError, HashPlugin};

/// Request ids that are measured with.
const KEYS: usize = 20_000;
/// Slots that are asked for one by one to time it.
const ALONE: usize = 500;
/// Servers before one joins or leaves.
const SERVERS: u32 = 6;

pub(super) fn take(sitting: &mut Sitting<HashPlugin>, trial: &mut Trial) -> Result<(), Fault> {
    let traits = sitting.plugin.traits();
    let keys = six_digits(KEYS);
    let slots = sitting.slots(&keys, SLOTS).doing("asked for many slots")?;
    take_cost(sitting, trial, &keys)?;
    let mut bench = Bench { sitting, slots };
    for servers in [3, SERVERS, 30] {
        let name = format!("peak_to_mean_of_{servers}");
        trial.measures.push(bench.balance(name, &Topology::of(1..=servers))?);
    }
    if traits.weighted {
        let weighing = Topology::of(1..=SERVERS).weighing(&[1, 2, 3]);
        trial.measures.push(bench.balance("peak_to_mean_by_weight".to_owned(), &weighing)?);
    }
    let middle = SERVERS / 2;
    for (name, after, applies) in [
        ("a_join", Topology::of(1..=SERVERS + 1), true),
        ("the_last_leaving", Topology::of(1..SERVERS), true),
        (
            "a_middle_one_leaving",
            Topology::of((1..=SERVERS).filter(|id| *id != middle)),
            !traits.tail_only,
        ),
    ] {
        trial.measures.extend(bench.moves(name, &after, applies)?);
    }
    Ok(())
}

struct Bench<'a, 'p> {
    sitting: &'a mut Sitting<'p, HashPlugin>,
    /// Of each key.
    slots: Vec<u32>,
}

impl Bench<'_, '_> {
    fn table(&mut self, of: &Topology) -> Result<Option<Table>, Fault> {
        match self.sitting.fresh_table(of) {
            Err(CallError::Refused(_)) => Ok(None),
            table => table.map(Some).doing("asked for a layout to measure"),
        }
    }

    /// The number of the server that each key goes to.
    fn owners<'a>(&'a self, of: &'a Topology, table: &'a Table) -> impl Iterator<Item = u32> + 'a {
        let id = |slot: &u32| table.owner(*slot).map_or(0, |server| of.servers[server].id);
        self.slots.iter().map(id)
    }

    fn balance(&mut self, name: String, of: &Topology) -> Result<Measure, Fault> {
        let table = self.table(of)?;
        let peak = table.and_then(|table| {
            let mut loads = vec![0; of.servers.len()];
            for server in self.slots.iter().filter_map(|slot| table.owner(*slot)) {
                loads[server] += 1;
            }
            let weights: Vec<u32> = of.servers.iter().map(|s| s.weight).collect();
            Balance::of(&loads, &weights).map(|balance| balance.peak_to_mean)
        });
        Ok(at_most(BALANCE, name, peak, 1.0))
    }

    /// The keys that a change moves, and of those that need not move how many stayed.
    fn moves(
        &mut self,
        name: &str,
        after: &Topology,
        applies: bool,
    ) -> Result<[Measure; 2], Fault> {
        let before = Topology::of(1..=SERVERS);
        let ids = |t: &Topology| t.servers.iter().map(|s| s.id).collect::<BTreeSet<u32>>();
        let stayed = &ids(&before) & &ids(after);
        let moves = match (self.table(&before)?, self.table(after)?) {
            (Some(old), Some(new)) if applies => {
                let owners = self.owners(&before, &old).zip(self.owners(after, &new));
                Some(Moves::count(owners, |id| stayed.contains(id)))
            }
            _ => None,
        };
        // The part of the one that came or left, where all have the same.
        let ideal = 1.0 / before.servers.len().max(after.servers.len()) as f64;
        let needless = |moves: Moves| 1.0 - moves.needless as f64 / moves.keys.max(1) as f64;
        let share = moves.map(|moves| moves.share());
        Ok([
            at_most(MOVES, format!("moved_by_{name}"), share, ideal),
            at_least(MOVES, format!("kept_in_{name}"), moves.map(needless), 1.0),
        ])
    }
}

fn take_cost(
    sitting: &mut Sitting<HashPlugin>,
    trial: &mut Trial,
    keys: &[u64],
) -> Result<(), Fault> {
    let each = |time: Duration, calls: usize| time.as_nanos() as f64 / calls as f64;
    let batched = shortest(3, || sitting.slots(keys, SLOTS))?;
    let alone = &keys[..ALONE];
    let alone =
        shortest(3, || alone.iter().try_for_each(|key| sitting.slot(*key, SLOTS).map(drop)))?;
    let cost = &mut trial.cost;
    cost.memory_bytes = sitting.look(|instance| instance.memory_bytes() as u64);
    cost.batched_slot_ns = batched.map(|time| each(time, keys.len()));
    cost.slot_ns = alone.map(|time| each(time, ALONE));
    cost.start_ns = shortest(3, || sitting.start())?.map(nanoseconds);
    cost.layout_ns = shortest(3, || sitting.fresh_layout(&Topology::of(1..=30)))?.map(nanoseconds);
    Ok(())
}
