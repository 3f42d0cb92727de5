//! Hash functions.
//!
//! A slot is asked for with every request, so each thread keeps an instance of its own: a call
//! takes no lock and starts nothing.

mod instance;
#[cfg(feature = "native")]
mod native;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};

use ringwright_ring::{Layout, Table};
use wasmtime::component::InstancePre;

use crate::about::{About, Traits, set_values};
use crate::bindings::hash;
use crate::grants::Granted;
use crate::limits::Limits;
use crate::text::fit;
use crate::{CallError, Description, LoadError, ServerInfo, SettingError};
pub(crate) use instance::Instance;

/// A hash function. Clones are the same plugin, and share instances.
#[derive(Clone)]
pub struct HashPlugin {
    shared: Arc<Shared>,
    /// What its settings are set to.
    values: Arc<[(String, String)]>,
    seat: Arc<Seat>,
}

struct Shared {
    pre: hash::HashPluginPre<Limits>,
    about: About,
    traits: Traits,
    #[cfg(feature = "native")]
    native: Option<native::Twin>,
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
        about: impl FnOnce(hash::Description) -> Result<About, LoadError>,
        granted: Granted,
    ) -> Result<Self, LoadError> {
        let pre = hash::HashPluginPre::new(pre)
            .map_err(|e| LoadError::Interface(fit(&format!("{e:#}"))))?;
        let mut instance =
            Instance::start(&pre, &granted, granted.work_deadline).map_err(LoadError::Describe)?;
        let (told, traits) = introduce(&mut instance).map_err(LoadError::Describe)?;
        let about = about(told)?;
        let values = about.description.values().into();
        let shared = Arc::new(Shared {
            #[cfg(feature = "native")]
            native: native::twin(&about.description.name, &mut instance)
                .map_err(LoadError::Describe)?,
            pre,
            about,
            traits,
        });
        Ok(HashPlugin { shared, values, seat: Arc::new(Seat) })
    }

    /// The same plugin with instances of its own: they go with the last clone of what is
    /// answered here, whoever still holds the plugin otherwise.
    pub fn seated(&self) -> Self {
        HashPlugin { seat: Arc::new(Seat), ..self.clone() }
    }

    /// The same plugin with some of its settings set, and the others as they are. It shares
    /// instances with this one: H knows no settings.
    ///
    /// # Errors
    /// Names the setting that it has not, or that cannot be set so.
    pub fn with_settings(&self, set: &BTreeMap<String, String>) -> Result<Self, SettingError> {
        Ok(HashPlugin { values: set_values(&self.values, set)?, ..self.clone() })
    }

    /// What its settings are set to, in the order in which it describes them.
    pub fn settings(&self) -> &[(String, String)] {
        &self.values
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
        #[cfg(feature = "native")]
        if let Some(slot) = self.shared.native {
            return Ok(slot(request, slots));
        }
        self.with_kept(slots, |instance| instance.slot(request, slots))
    }

    /// H of many requests, in order.
    ///
    /// # Errors
    /// Says how the plugin failed; then there are no slots at all.
    pub fn slots(&self, requests: &[u64], slots: u32) -> Result<Vec<u32>, CallError> {
        self.with_kept(slots, |instance| instance.slots(requests, slots))
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

    /// The memory of this thread's instance, which has grown with what it was asked.
    ///
    /// # Errors
    /// Where there is none and it does not start.
    pub fn instance_bytes(&self) -> Result<usize, CallError> {
        self.with_kept(1, |instance| Ok(instance.memory_bytes()))
    }

    pub(crate) fn layout(
        &self,
        servers: &[ServerInfo],
        virtual_nodes: u32,
        slots: u32,
    ) -> Result<Layout, CallError> {
        // An instance of its own: what a layout allocates is given back with it.
        self.fresh()?.layout(servers, virtual_nodes, slots, &self.values)
    }

    /// An instance that nobody else uses.
    pub(crate) fn fresh(&self) -> Result<Instance, CallError> {
        let Shared { pre, about, .. } = &*self.shared;
        Instance::start(pre, &about.granted, about.granted.work_deadline)
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
                    let Shared { pre, about, .. } = &*self.shared;
                    let deadline = about.granted.start_deadline;
                    let instance = Instance::start(pre, &about.granted, deadline)?;
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

/// What a plugin says of itself.
fn introduce(instance: &mut Instance) -> Result<(hash::Description, Traits), CallError> {
    Ok((instance.describe()?, instance.declare()?))
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
    fn an_instance_tells_its_memory() {
        let plugin = hash(runtime().load(&built("quadratic")));
        let fresh = plugin.instance_bytes().unwrap();
        assert!(fresh > 0 && fresh.is_multiple_of(65_536), "{fresh} is pages");
        plugin.slots(&[0; 65_536], 512).unwrap();
        assert!(plugin.instance_bytes().unwrap() >= fresh + 8 * 65_536);
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
