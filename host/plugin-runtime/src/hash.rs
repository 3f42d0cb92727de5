//! Hash functions.
//!
//! A slot is asked for with every request, so each thread keeps an instance of its own: a call
//! takes no lock and starts nothing.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use ringwright_ring::{Layout, Point, Table};
use wasmtime::component::InstancePre;

use crate::about::{About, Traits};
use crate::bindings::hash;
use crate::guest::{ABOUT_BYTES, Guest, REASON_BYTES};
use crate::limits::Limits;
use crate::text::fit;
use crate::{CallError, Description, LoadError, ServerInfo, Settings};

/// The most requests handed to a guest at once: 512 KiB, which fits any guest's memory.
const BATCH: usize = 65_536;

type Instance = Guest<hash::HashPlugin>;

/// A hash function. Clones are the same plugin, and share instances.
#[derive(Clone)]
pub struct HashPlugin {
    shared: Arc<Shared>,
    seat: Arc<Seat>,
}

struct Shared {
    pre: hash::HashPluginPre<Limits>,
    settings: Settings,
    about: About,
    traits: Traits,
}

/// A use of a plugin. Threads keep instances for it, and lose them after its end.
struct Seat;

thread_local! {
    /// This thread's instances: few, so that a scan is the fastest search. The weak reference
    /// keeps the address it is found by from being used again, and tells a use that is over.
    static KEPT: RefCell<Vec<(Weak<Seat>, Instance)>> = const { RefCell::new(Vec::new()) };
}

impl HashPlugin {
    pub(crate) fn load(
        pre: InstancePre<Limits>,
        settings: &Settings,
        about: impl FnOnce(hash::Description) -> Result<About, LoadError>,
    ) -> Result<Self, LoadError> {
        let pre = hash::HashPluginPre::new(pre)
            .map_err(|e| LoadError::Interface(fit(&format!("{e:#}"))))?;
        let (told, traits) = introduce(&pre, settings).map_err(LoadError::Describe)?;
        let (settings, about) = (settings.clone(), about(told)?);
        let shared = Shared { pre, settings, about, traits: traits.into() };
        Ok(HashPlugin { shared: Arc::new(shared), seat: Arc::new(Seat) })
    }

    /// The same plugin with instances of its own: they go with the last clone of what is
    /// answered here, whoever still holds the plugin otherwise.
    pub fn seated(&self) -> Self {
        HashPlugin { shared: self.shared.clone(), seat: Arc::new(Seat) }
    }

    /// What it says of itself.
    pub fn description(&self) -> &Description {
        &self.shared.about.description
    }

    /// What it can do, by its own account.
    pub fn traits(&self) -> Traits {
        self.shared.traits
    }

    /// SHA-256 of its file, in hex: what tells it from any other.
    pub fn digest(&self) -> &str {
        &self.shared.about.digest
    }

    pub(crate) fn about(&self) -> &About {
        &self.shared.about
    }

    /// H: the slot of a request, below `slots`.
    ///
    /// # Errors
    /// Says how the plugin failed.
    pub fn slot(&self, request: u64, slots: u32) -> Result<u32, CallError> {
        let deadline = self.shared.settings.slot_deadline;
        self.with_kept(slots, |instance| {
            let slot = instance.call(deadline, 0, |exports, store| {
                exports.ringwright_plugin_hash().call_slot(store, request, slots)
            })?;
            in_range(slot, slots)
        })
    }

    /// H of many requests, in order.
    ///
    /// # Errors
    /// Says how the plugin failed; then there are no slots at all.
    pub fn slots(&self, requests: &[u64], slots: u32) -> Result<Vec<u32>, CallError> {
        let deadline = self.shared.settings.work_deadline;
        let mut all = Vec::with_capacity(requests.len());
        for batch in requests.chunks(BATCH) {
            all.extend(
                self.with_kept(slots, |instance| batch_of(instance, deadline, batch, slots))?,
            );
        }
        Ok(all)
    }

    /// Lays servers out over slots, with so many virtual nodes a server where the function has
    /// them. The servers must come by number, ascending.
    ///
    /// # Errors
    /// Says how the plugin failed, [`CallError::Refused`] with its reason, or
    /// [`CallError::Layout`] where what it answered is none.
    pub fn table(
        &self,
        servers: &[ServerInfo],
        virtual_nodes: u32,
        slots: u32,
    ) -> Result<Table, CallError> {
        let layout = self.layout(servers, virtual_nodes, slots)?;
        Table::build(layout, servers.len(), slots).map_err(CallError::Layout)
    }

    pub(crate) fn layout(
        &self,
        servers: &[ServerInfo],
        virtual_nodes: u32,
        slots: u32,
    ) -> Result<Layout, CallError> {
        let Shared { pre, settings, about, .. } = &*self.shared;
        let topology = hash::Topology {
            servers: servers.iter().map(hash::Server::from).collect(),
            virtual_nodes,
            slots,
            settings: about.description.values(),
        };
        // A point for every slot.
        let answer_bytes = usize::try_from(slots)
            .unwrap_or(usize::MAX)
            .saturating_mul(size_of::<hash::Point>())
            .saturating_add(REASON_BYTES);
        // An instance of its own: what a layout allocates is given back with it.
        let mut instance = start(pre, settings, settings.work_deadline)?;
        let layout = instance.call(settings.work_deadline, answer_bytes, |exports, store| {
            exports.ringwright_plugin_hash().call_arrange(store, &topology)
        })?;
        match layout {
            Ok(hash::Layout::Table(owners)) => Ok(Layout::Table(owners)),
            Ok(hash::Layout::Ring(points)) => {
                Ok(Layout::Ring(points.into_iter().map(Point::from).collect()))
            }
            Err(reason) => Err(CallError::Refused(fit(&reason))),
        }
    }

    /// Calls this thread's instance, started where there is none, thrown away where it broke its
    /// contract.
    fn with_kept<R>(
        &self,
        slots: u32,
        call: impl FnOnce(&mut Instance) -> Result<R, CallError>,
    ) -> Result<R, CallError> {
        if slots == 0 {
            return Err(CallError::NoSlots);
        }
        KEPT.with_borrow_mut(|kept| {
            let ours = Arc::as_ptr(&self.seat);
            let i = match kept.iter().position(|(seat, _)| seat.as_ptr() == ours) {
                Some(i) => i,
                None => {
                    kept.retain(|(seat, _)| seat.strong_count() > 0);
                    let Shared { pre, settings, .. } = &*self.shared;
                    let instance = start(pre, settings, settings.start_deadline)?;
                    kept.push((Arc::downgrade(&self.seat), instance));
                    kept.len() - 1
                }
            };
            let result = call(&mut kept[i].1);
            if result.as_ref().is_err_and(CallError::is_fault) {
                kept.swap_remove(i);
            }
            result
        })
    }
}

impl fmt::Debug for HashPlugin {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_tuple("HashPlugin").field(&self.shared.about).finish()
    }
}

impl From<hash::Point> for Point {
    fn from(p: hash::Point) -> Self {
        Point { slot: p.slot, server: p.server, virtual_node: p.virtual_node }
    }
}

fn start(
    pre: &hash::HashPluginPre<Limits>,
    settings: &Settings,
    deadline: Duration,
) -> Result<Instance, CallError> {
    Guest::start(pre.engine(), settings, deadline, |store| pre.instantiate(store))
}

/// What a plugin says of itself.
fn introduce(
    pre: &hash::HashPluginPre<Limits>,
    settings: &Settings,
) -> Result<(hash::Description, hash::Traits), CallError> {
    let deadline = settings.work_deadline;
    let mut instance = start(pre, settings, deadline)?;
    let told = instance.call(deadline, ABOUT_BYTES, |exports, store| {
        exports.ringwright_plugin_hash().call_describe(store)
    })?;
    let traits = instance.call(deadline, ABOUT_BYTES, |exports, store| {
        exports.ringwright_plugin_hash().call_declare(store)
    })?;
    Ok((told, traits))
}

fn batch_of(
    instance: &mut Instance,
    deadline: Duration,
    requests: &[u64],
    slots: u32,
) -> Result<Vec<u32>, CallError> {
    let answer_bytes = size_of::<u32>() * requests.len() + 64;
    let got = instance.call(deadline, answer_bytes, |exports, store| {
        exports.ringwright_plugin_hash().call_slots(store, requests, slots)
    })?;
    if got.len() != requests.len() {
        return Err(CallError::Length { got: got.len(), asked: requests.len() });
    }
    got.iter().try_for_each(|&slot| in_range(slot, slots).map(drop))?;
    Ok(got)
}

fn in_range(slot: u32, slots: u32) -> Result<u32, CallError> {
    if slot < slots { Ok(slot) } else { Err(CallError::OutOfRange { slot, slots }) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use ringwright_test_plugins::{HashBodies, built};

    use super::*;
    use crate::tests::support::{hash, runtime};

    fn kept() -> usize {
        KEPT.with_borrow(Vec::len)
    }

    #[test]
    fn the_instances_of_plugins_that_are_gone_go() {
        let (runtime, bytes) = (runtime(), built("quadratic"));
        let (old, other) = (hash(runtime.load(&bytes)), hash(runtime.load(&bytes)));
        old.slot(1, 512).unwrap();
        other.slot(1, 512).unwrap();
        assert_eq!(kept(), 2);
        drop(old);
        hash(runtime.load(&bytes)).slot(1, 512).unwrap();
        assert_eq!(kept(), 2, "the new one took the place of the old");
    }

    #[test]
    fn the_instances_of_a_use_that_is_over_go() {
        // It answers how often it was asked.
        let slot = "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (global.get $calls)";
        let bytes = HashBodies { slot, ..HashBodies::default() }.component();
        let plugin = hash(runtime().load(&bytes));
        let used = plugin.seated();
        assert_eq!((used.clone().slot(1, 512), used.slot(1, 512)), (Ok(1), Ok(2)), "one for both");
        drop(used);
        assert_eq!(plugin.seated().slot(1, 512), Ok(1), "although the plugin is still loaded");
        assert_eq!(kept(), 1);
    }
}
