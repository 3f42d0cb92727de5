//! What a hash function must do.

use ringwright_ring::{Layout, Table};

use super::draw::Draw;
use super::hash_measures;
use super::sitting::Sitting;
use super::trial::{Doing as _, Fault, LOADS, Trial};
use crate::hash::Instance;
use crate::{CallError, Description, HashPlugin, ServerInfo};

/// The slots and virtual nodes that a balancer has unless it is told otherwise.
pub(super) const SLOTS: u32 = 512;
pub(super) const VIRTUAL_NODES: u32 = 9;

const SLOT_COUNTS: [u32; 5] = [1, 2, SLOTS, 4096, 65_537];
const SERVER_COUNTS: [u32; 6] = [0, 1, 2, 3, 6, 30];

/// Those whom any hash function can lay out: servers without weights on a ring of the usual size.
const PLAIN: std::ops::RangeInclusive<u32> = 1..=6;

pub(super) fn examine(plugin: &HashPlugin, trial: &mut Trial) -> Result<(), Fault> {
    let mut sitting = Sitting::of(plugin, plugin.about().granted.trial_deadline);
    trial.check(LOADS, |_| Ok(()))?;
    trial.check("describes_itself", |_| describes_itself(&mut sitting))?;
    let told = trial.check("slots_in_range", |_| slots(&mut sitting))?;
    trial.check("slots_repeat", |_| slots_repeat(&mut sitting, &told))?;
    let laid = trial.check("layouts", |trial| layouts(&mut sitting, trial))?;
    trial.check("layouts_repeat", |_| layouts_repeat(&mut sitting, &laid))?;
    trial.check("traits", |_| traits(&mut sitting))?;
    trial.check("measures", |trial| hash_measures::take(&mut sitting, trial))?;
    trial.check("still_describes_itself", |_| describes_itself(&mut sitting))
}

impl Sitting<'_, HashPlugin> {
    pub(super) fn slot(&mut self, request: u64, slots: u32) -> Result<u32, CallError> {
        self.ask_patiently(|instance| instance.slot(request, slots))
    }

    pub(super) fn slots(&mut self, requests: &[u64], slots: u32) -> Result<Vec<u32>, CallError> {
        self.ask(|instance| instance.slots(requests, slots))
    }

    /// By an instance of its own, as layouts are made.
    pub(super) fn fresh_layout(&mut self, of: &Topology) -> Result<Layout, CallError> {
        self.renew();
        self.layout(of)
    }

    pub(super) fn fresh_table(&mut self, of: &Topology) -> Result<Table, CallError> {
        let layout = self.fresh_layout(of)?;
        Table::build(layout, of.servers.len(), of.slots).map_err(CallError::Layout)
    }

    fn layout(&mut self, of: &Topology) -> Result<Layout, CallError> {
        let (Topology { servers, virtual_nodes, slots }, settings) = (of, self.plugin.settings());
        self.ask(|instance| instance.layout(servers, *virtual_nodes, *slots, settings))
    }
}

/// What is to be laid out.
pub(super) struct Topology {
    pub(super) servers: Vec<ServerInfo>,
    virtual_nodes: u32,
    pub(super) slots: u32,
}

impl Topology {
    /// Servers of weight 1 with these numbers, on a ring of the usual size.
    pub(super) fn of(ids: impl IntoIterator<Item = u32>) -> Self {
        let servers = ids.into_iter().map(|id| ServerInfo::new(id, &format!("Server{id}")));
        Topology { servers: servers.collect(), virtual_nodes: VIRTUAL_NODES, slots: SLOTS }
    }

    /// With these weights, over and over.
    pub(super) fn weighing(mut self, weights: &[u32]) -> Self {
        for (server, weight) in self.servers.iter_mut().zip(weights.iter().cycle()) {
            server.weight = *weight;
        }
        self
    }

    fn on(self, slots: u32) -> Self {
        Topology { slots, ..self }
    }

    fn with_virtual_nodes(self, virtual_nodes: u32) -> Self {
        Topology { virtual_nodes, ..self }
    }

    /// What is asked for, for people.
    fn task(&self) -> String {
        let (servers, slots) = (self.servers.len(), self.slots);
        let s = |n| if n == 1 { "" } else { "s" };
        let (more_servers, more_slots) = (s(servers), s(slots as usize));
        let plain = self.servers.iter().all(|server| server.weight == 1);
        let weighing = if plain { "" } else { " of other weights than 1" };
        format!("lay out {servers} server{more_servers}{weighing} on {slots} slot{more_slots}")
    }
}

/// All that is laid out: those that must be come first.
fn topologies() -> Vec<Topology> {
    let consecutive = |n: u32| Topology::of(1..=n);
    let scattered = [1, 5, 7, 1000, u32::MAX];
    let mut all: Vec<Topology> = PLAIN.map(consecutive).collect();
    all.extend(SERVER_COUNTS.into_iter().filter(|n| !PLAIN.contains(n)).map(consecutive));
    all.push(Topology::of(scattered));
    all.extend([&[0, 1, 3][..], &[0]].map(|weights| consecutive(6).weighing(weights)));
    // As many servers as there are slots, where three are too many.
    let on = |slots: u32| consecutive(slots.min(3)).on(slots);
    all.extend(SLOT_COUNTS.into_iter().filter(|n| *n != SLOTS).map(on));
    all
}

/// Request ids: the ends of what they can be, and some of those that clients draw.
fn requests() -> Vec<u64> {
    let ends = [0, 1, u64::from(u32::MAX), u64::from(u32::MAX) + 1, u64::MAX - 1, u64::MAX];
    ends.into_iter().chain(six_digits(120)).collect()
}

/// Ids as the paper's clients draw them.
pub(super) fn six_digits(count: usize) -> Vec<u64> {
    let mut draw = Draw::new(1);
    (0..count).map(|_| 100_000 + u64::from(draw.below(900_000))).collect()
}

fn describes_itself(sitting: &mut Sitting<HashPlugin>) -> Result<(), Fault> {
    let plugin = sitting.plugin;
    for _ in 0..2 {
        let told = sitting.ask(Instance::describe).doing("asked again what it is")?;
        let traits = sitting.ask(Instance::declare).doing("asked again what it can do")?;
        if Description::try_from(told).as_ref() != Ok(plugin.description()) {
            return Err(Fault::Lied("it describes itself otherwise each time".to_owned()));
        }
        if traits != plugin.traits() {
            return Err(Fault::Lied("it declares otherwise each time what it can do".to_owned()));
        }
    }
    Ok(())
}

/// The slots of some requests, by how many slots there are. One alone comes first: what hangs is
/// found out soon.
fn slots(sitting: &mut Sitting<HashPlugin>) -> Result<Vec<(u32, Vec<u32>)>, Fault> {
    let ask = |slots| {
        let doing = || format!("asked for one of {slots} slots");
        sitting.slot(100_000, slots).doing(doing())?;
        Ok((slots, sitting.slots(&requests(), slots).doing(doing())?))
    };
    SLOT_COUNTS.into_iter().map(ask).collect()
}

/// One by one and all at once, in this instance and in another, the first time and the last.
fn slots_repeat(sitting: &mut Sitting<HashPlugin>, told: &[(u32, Vec<u32>)]) -> Result<(), Fault> {
    let requests = requests();
    for again in ["asked once more", "in another instance"] {
        for (slots, first) in told {
            let told = sitting.slots(&requests, *slots).doing(again)?;
            if told != *first {
                let what = format!("{again} for the same slots of {slots}, it answers others");
                return Err(Fault::Lied(what));
            }
        }
        sitting.renew();
    }
    for (slots, all) in told {
        for (&request, &among) in requests.iter().zip(all).rev() {
            let doing = || format!("asked for one of {slots} slots alone");
            let alone = sitting.slot(request, *slots).doing(doing())?;
            if alone != among {
                return Err(CallError::Disagrees { request, alone, among }).doing(doing());
            }
        }
    }
    Ok(())
}

/// Lays out what there is to be; what it says it cannot is a limit, unless any function can that
/// takes so many servers.
fn layouts(
    sitting: &mut Sitting<HashPlugin>,
    trial: &mut Trial,
) -> Result<Vec<Option<Layout>>, Fault> {
    let most = sitting.plugin.traits().max_servers.unwrap_or(u32::MAX) as usize;
    let mut laid = Vec::new();
    for (i, topology) in topologies().iter().enumerate() {
        laid.push(match sitting.fresh_layout(topology) {
            Err(CallError::Refused(why)) if i >= PLAIN.count() || topology.servers.len() > most => {
                trial.cannot(&topology.task(), &why);
                None
            }
            layout => {
                let layout = layout.doing(format!("asked to {}", topology.task()))?;
                Table::build(layout.clone(), topology.servers.len(), topology.slots)
                    .map_err(CallError::Layout)
                    .doing(format!("asked to {}", topology.task()))?;
                Some(layout)
            }
        });
    }
    Ok(laid)
}

/// Whether an instance that has laid out others lays out the same.
fn layouts_repeat(sitting: &mut Sitting<HashPlugin>, laid: &[Option<Layout>]) -> Result<(), Fault> {
    for (topology, before) in topologies().iter().zip(laid) {
        let again = match sitting.layout(topology) {
            Err(CallError::Refused(_)) => None,
            layout => Some(layout.doing(format!("asked again to {}", topology.task()))?),
        };
        if again != *before {
            let what = format!("asked again to {}, it does otherwise", topology.task());
            return Err(Fault::Lied(what));
        }
    }
    Ok(())
}

/// Whether what it declares is so, as far as a layout can tell.
fn traits(sitting: &mut Sitting<HashPlugin>) -> Result<(), Fault> {
    let traits = sitting.plugin.traits();
    if let Some(most) = traits.max_servers.filter(|most| *most < 30) {
        let lays_out = sitting.fresh_table(&Topology::of(1..=30)).is_ok();
        if lays_out {
            let what = format!("it declares that it lays out {most} servers, and lays out 30");
            return Err(Fault::Lied(what));
        }
    }
    if traits.virtual_nodes {
        heeds_virtual_nodes(sitting)?;
    }
    if traits.weighted {
        heeds_weights(sitting)?;
    }
    Ok(())
}

fn heeds_virtual_nodes(sitting: &mut Sitting<HashPlugin>) -> Result<(), Fault> {
    let mut lay_out = |virtual_nodes| {
        let topology = Topology::of(1..=3).with_virtual_nodes(virtual_nodes);
        match sitting.fresh_layout(&topology) {
            Err(CallError::Refused(_)) => Ok(None),
            layout => layout.map(Some).doing(format!("asked to {}", topology.task())),
        }
    };
    let (one, more) = (lay_out(1)?, lay_out(VIRTUAL_NODES)?);
    if one.is_some() && one == more {
        let what = format!(
            "it declares that it has virtual nodes, and lays out as much with 1 as with \
             {VIRTUAL_NODES} of them"
        );
        return Err(Fault::Lied(what));
    }
    Ok(())
}

fn heeds_weights(sitting: &mut Sitting<HashPlugin>) -> Result<(), Fault> {
    // Half of them weigh nothing, and of the others each second thrice as much.
    let weighing = Topology::of(1..=12).weighing(&[0, 1, 0, 3]).on(4096);
    let table = match sitting.fresh_table(&weighing) {
        Err(CallError::Refused(_)) => return Ok(()),
        table => table.doing(format!("asked to {}", weighing.task()))?,
    };
    let owned = |weight: u32| {
        let weighs = |server: &usize| weighing.servers[*server].weight == weight;
        (0..4096).filter_map(|slot| table.owner(slot)).filter(weighs).count()
    };
    if owned(0) > 0 {
        let what = "it declares that it heeds weights, and gives slots to a server of weight 0";
        return Err(Fault::Lied(what.to_owned()));
    }
    if owned(3) <= owned(1) {
        let what = "it declares that it heeds weights, and gives servers of weight 3 no more than \
                    those of weight 1";
        return Err(Fault::Lied(what.to_owned()));
    }
    Ok(())
}
