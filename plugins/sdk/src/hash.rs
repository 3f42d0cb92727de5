//! Hash functions: the interface, and the two shapes of a layout.

use crate::shares::{Share, shares};

#[doc(hidden)]
pub mod bindings {
    #![allow(missing_docs)]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "hash-plugin",
        pub_export_macro: true,
        export_macro_name: "export_hash_bindings",
    });
}

pub use bindings::exports::ringwright::plugin::hash::{
    Description, Layout, Point, Server, Topology, Traits,
};
pub use bindings::ringwright::plugin::types::Setting;

use bindings::exports::ringwright::plugin::hash::Guest;

/// The most slots a table is made for: the table, and what it is made of, must fit a guest's
/// memory.
pub const MOST_SLOTS: u32 = 1 << 20;

/// A hash function, as `wit/hash.wit` has it.
pub trait HashFunction {
    /// What it says of itself.
    fn describe() -> Description;

    /// What it can do.
    fn declare() -> Traits;

    /// H: the slot of a request.
    fn slot(request: u64, slots: u32) -> u32;

    /// H of many requests, in order.
    fn slots(requests: Vec<u64>, slots: u32) -> Vec<u32> {
        requests.into_iter().map(|request| Self::slot(request, slots)).collect()
    }

    /// Lays servers out.
    ///
    /// # Errors
    /// Says what the algorithm cannot do.
    fn arrange(topology: Topology) -> Result<Layout, String>;
}

impl<T: HashFunction> Guest for T {
    fn describe() -> Description {
        T::describe()
    }

    fn declare() -> Traits {
        T::declare()
    }

    fn slot(request: u64, slots: u32) -> u32 {
        T::slot(request, slots)
    }

    fn slots(requests: Vec<u64>, slots: u32) -> Vec<u32> {
        T::slots(requests, slots)
    }

    fn arrange(topology: Topology) -> Result<Layout, String> {
        T::arrange(topology)
    }
}

/// Makes the plugin of this crate of a [`HashFunction`].
#[macro_export]
macro_rules! export_hash {
    ($function:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::hash::bindings::export_hash_bindings!(
            $function with_types_in $crate::hash::bindings
        );
    };
}

/// A ring with so many virtual nodes a server, numbered from 1, where `phi` puts them.
///
/// # Errors
/// Says that they do not fit.
pub fn ring(
    topology: &Topology,
    virtual_nodes: u32,
    phi: impl Fn(&Server, u32) -> u32,
) -> Result<Layout, String> {
    let Topology { servers, slots, .. } = topology;
    if *slots == 0 {
        return Err("a ring needs slots".into());
    }
    if servers.len() as u64 * u64::from(virtual_nodes) > u64::from(*slots) {
        return Err(format!(
            "{} servers of {virtual_nodes} virtual nodes do not fit on {slots} slots",
            servers.len()
        ));
    }
    let mut points = Vec::with_capacity(servers.len() * virtual_nodes as usize);
    for (server, told) in (0..).zip(servers) {
        let point = |virtual_node| Point { slot: phi(told, virtual_node), server, virtual_node };
        points.extend((1..=virtual_nodes).map(point));
    }
    Ok(Layout::Ring(points))
}

/// A table with the owners that `owners` answers, one a slot. It is given the servers that are to
/// own slots, and is asked only where there are some.
///
/// # Errors
/// What `owners` says, or that there are too few or too many slots.
pub fn table(
    topology: &Topology,
    owners: impl FnOnce(&[Share]) -> Result<Vec<u32>, String>,
) -> Result<Layout, String> {
    let slots = topology.slots;
    if !(1..=MOST_SLOTS).contains(&slots) {
        return Err(format!("{slots} slots: a table has from 1 to {MOST_SLOTS}"));
    }
    let shares = shares(&topology.servers);
    Ok(Layout::Table(if shares.is_empty() { Vec::new() } else { owners(&shares)? }))
}
