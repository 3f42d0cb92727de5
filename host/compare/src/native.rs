//! Functions of the plugins compiled into the host, to time the components against.

use ringwright_plugin::HashFunction as _;
use ringwright_plugin_runtime::{CallError, HashPlugin};

/// H of many requests at once.
pub(crate) type Slots = fn(Vec<u64>, u32) -> Vec<u32>;

/// By the name of the plugin.
const TWINS: [(&str, Slots); 3] = [
    ("md5", md5::Md5Hash::slots),
    ("quadratic", quadratic::Quadratic::slots),
    ("virtual-node", virtual_node::VirtualNode::slots),
];

/// The twin of a plugin of that name. It may only have the name of one that has a twin: it must
/// answer the same too.
pub(crate) fn twin(
    name: &str,
    plugin: &HashPlugin,
    keys: &[u64],
    slots: u32,
) -> Result<Slots, String> {
    let found = TWINS.iter().find(|(twin, _)| *twin == name);
    let (_, twin) = found.ok_or("it is not compiled into the host")?;
    let component = plugin.slots(keys, slots).map_err(|e: CallError| e.to_string())?;
    if twin(keys.to_vec(), slots) == component {
        Ok(*twin)
    } else {
        Err(format!("the {name} that is compiled into the host is another function"))
    }
}
