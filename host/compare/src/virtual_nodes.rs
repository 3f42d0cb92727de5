//! What more virtual nodes are good for.

use ringwright_plugin_runtime::{CallError, HashPlugin};

use crate::moves::servers;
use crate::spread::{loads, spread};
use crate::{Figure, Grown, Keys, Scope, Spread};

/// The balance of uniform keys on the fewest servers and the most slots.
pub(crate) fn measure(
    plugin: &HashPlugin,
    scope: &Scope,
    keys: &[u64],
) -> Result<Vec<Grown>, String> {
    if !plugin.traits().virtual_nodes {
        return Err("it has no virtual nodes".into());
    }
    let (servers, slots) = (servers(scope.few()), scope.most_slots());
    let hashed = plugin.slots(keys, slots).map_err(|e| e.to_string())?;
    let of = |virtual_nodes| -> Result<Spread, String> {
        let table = plugin.table(&servers, virtual_nodes, slots);
        spread(&loads(&table.map_err(|e: CallError| e.to_string())?, &hashed), Keys::Uniform)
    };
    let grown = |&virtual_nodes| Grown { virtual_nodes, spread: Figure(of(virtual_nodes)) };
    Ok(scope.more_virtual_nodes.iter().map(grown).collect())
}
