//! Hash functions.
//!
//! A slot is asked for with every request, so each thread keeps an instance of its own: a call
//! takes no lock and starts nothing.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use ringwright_ring::{Layout, Point};
use wasmtime::component::InstancePre;

use crate::about::About;
use crate::bindings::hash;
use crate::guest::Guest;
use crate::limits::Limits;
use crate::{CallError, Description, LoadError, ServerInfo, Settings};

/// The most requests handed to a guest at once: 512 KiB, which fits any guest's memory.
const BATCH: usize = 65_536;

type Instance = Guest<hash::HashPlugin>;

/// A hash function. Clones are the same plugin.
#[derive(Clone)]
pub struct HashPlugin {
    shared: Arc<Shared>,
}

struct Shared {
    pre: hash::HashPluginPre<Limits>,
    settings: Settings,
    about: About,
}

thread_local! {
    /// This thread's instances: few, so that a scan is the fastest search. The weak reference
    /// keeps the address it is found by from being used again, and tells a plugin that is gone.
    static KEPT: RefCell<Vec<(Weak<Shared>, Instance)>> = const { RefCell::new(Vec::new()) };
}

impl HashPlugin {
    pub(crate) fn load(
        pre: InstancePre<Limits>,
        settings: &Settings,
        about: impl FnOnce(hash::Description) -> Result<About, LoadError>,
    ) -> Result<Self, LoadError> {
        let pre =
            hash::HashPluginPre::new(pre).map_err(|e| LoadError::Interface(format!("{e:#}")))?;
        let told = start(&pre, settings)
            .and_then(|mut instance| {
                instance.call(settings.work_deadline, |exports, store| {
                    exports.ringwright_plugin_hash().call_describe(store)
                })
            })
            .map_err(LoadError::Describe)?;
        let (settings, about) = (settings.clone(), about(told)?);
        Ok(HashPlugin { shared: Arc::new(Shared { pre, settings, about }) })
    }

    /// What it says of itself.
    pub fn description(&self) -> &Description {
        &self.shared.about.description
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
            let slot = instance.call(deadline, |exports, store| {
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
    /// them.
    ///
    /// # Errors
    /// Says how the plugin failed, or [`CallError::Refused`] with its reason. What it answers
    /// is checked when a table is built of it.
    pub fn layout(
        &self,
        servers: &[ServerInfo],
        replicas: u32,
        slots: u32,
    ) -> Result<Layout, CallError> {
        let Shared { pre, settings, .. } = &*self.shared;
        let servers: Vec<hash::Server> = servers.iter().map(hash::Server::from).collect();
        // An instance of its own: what a layout allocates is given back with it.
        let layout = start(pre, settings)?.call(settings.work_deadline, |exports, store| {
            exports.ringwright_plugin_hash().call_arrange(store, &servers, replicas, slots)
        })?;
        match layout {
            Ok(hash::Layout::Table(owners)) => Ok(Layout::Table(owners)),
            Ok(hash::Layout::Ring(points)) => {
                let point =
                    |p: hash::Point| Point { slot: p.slot, server: p.server, replica: p.replica };
                Ok(Layout::Ring(points.into_iter().map(point).collect()))
            }
            Err(reason) => Err(CallError::Refused(reason)),
        }
    }

    /// Calls this thread's instance, started where there is none, thrown away where it cannot
    /// be used again.
    fn with_kept<R>(
        &self,
        slots: u32,
        call: impl FnOnce(&mut Instance) -> Result<R, CallError>,
    ) -> Result<R, CallError> {
        if slots == 0 {
            return Err(CallError::NoSlots);
        }
        KEPT.with_borrow_mut(|kept| {
            let ours = Arc::as_ptr(&self.shared);
            let i = match kept.iter().position(|(plugin, _)| plugin.as_ptr() == ours) {
                Some(i) => i,
                None => {
                    kept.retain(|(plugin, _)| plugin.strong_count() > 0);
                    let instance = start(&self.shared.pre, &self.shared.settings)?;
                    kept.push((Arc::downgrade(&self.shared), instance));
                    kept.len() - 1
                }
            };
            let result = call(&mut kept[i].1);
            if result.as_ref().is_err_and(|e| !e.leaves_instance_usable()) {
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

fn start(pre: &hash::HashPluginPre<Limits>, settings: &Settings) -> Result<Instance, CallError> {
    Guest::start(pre.engine(), settings, |store| pre.instantiate(store))
}

fn batch_of(
    instance: &mut Instance,
    deadline: Duration,
    requests: &[u64],
    slots: u32,
) -> Result<Vec<u32>, CallError> {
    let got = instance.call(deadline, |exports, store| {
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

    use super::*;
    use crate::tests::support::{built, hash, runtime};

    #[test]
    fn the_instances_of_plugins_that_are_gone_go() {
        let (runtime, bytes) = (runtime(), built("quadratic"));
        let kept = || KEPT.with_borrow(Vec::len);
        let (old, other) = (hash(runtime.load(&bytes)), hash(runtime.load(&bytes)));
        old.slot(1, 512).unwrap();
        other.slot(1, 512).unwrap();
        assert_eq!(kept(), 2);
        drop(old);
        hash(runtime.load(&bytes)).slot(1, 512).unwrap();
        assert_eq!(kept(), 2, "the new one took the place of the old");
    }
}
