//! Balance and moves over all numbers of slots and servers.

use ringwright_plugin_runtime::{CallError, HashPlugin, ServerInfo};
use ringwright_ring::Table;

use crate::moves::{moved, servers};
use crate::spread::{loads, spread};
use crate::{Change, Figure, Keys, Moved, Moves, Reach, Scope, Spread, Spreads};

/// Sequential ids a slot that are asked for to see which slots H reaches. Of those that chance
/// reaches none is missed by so many.
const IDS_A_SLOT: u64 = 24;

/// What is found there.
#[derive(Default)]
pub(crate) struct Grid {
    pub(crate) reach: Vec<Reach>,
    pub(crate) spreads: Vec<Spreads>,
    pub(crate) moves: Vec<Moves>,
}

/// The slots of the keys of each kind, or why there are none.
type Hashed = Vec<(Keys, Result<Vec<u32>, CallError>)>;

/// Measures it all.
pub(crate) fn measure(
    plugin: &HashPlugin,
    scope: &Scope,
    keys: &[(Keys, Vec<u64>)],
    step: &dyn Fn(),
) -> Grid {
    let mut grid = Grid::default();
    for &slots in &scope.slots {
        let reached = reached(plugin, slots).map_err(|e| e.to_string());
        grid.reach.push(Reach { slots, reached: Figure(reached) });
        let hashed: Hashed =
            keys.iter().map(|(kind, keys)| (*kind, plugin.slots(keys, slots))).collect();
        for &count in &scope.servers {
            let servers = servers(count);
            let table = plugin.table(&servers, scope.virtual_nodes, slots);
            grid.spreads.extend(spreads(&table, &hashed, count, slots));
            let before = Before { plugin, scope, servers: &servers, table: &table, slots };
            grid.moves.extend(Change::ALL.map(|change| before.changed(change, &hashed)));
            step();
        }
    }
    grid
}

/// How many slots H answers.
pub(crate) fn reached(plugin: &HashPlugin, slots: u32) -> Result<u32, CallError> {
    let ids: Vec<u64> = (0..IDS_A_SLOT * u64::from(slots)).collect();
    let mut reached = plugin.slots(&ids, slots)?;
    reached.sort_unstable();
    reached.dedup();
    Ok(reached.len() as u32) // no more than there are slots
}

fn spreads<'a>(
    table: &'a Result<Table, CallError>,
    hashed: &'a Hashed,
    servers: u32,
    slots: u32,
) -> impl Iterator<Item = Spreads> + 'a {
    let of = |keys, hashed: &Result<Vec<u32>, CallError>| -> Result<Spread, String> {
        let table = table.as_ref().map_err(CallError::to_string)?;
        spread(&loads(table, hashed.as_ref().map_err(CallError::to_string)?), keys)
    };
    hashed.iter().map(move |(keys, hashed)| {
        let keys = *keys;
        Spreads { slots, servers, keys, spread: Figure(of(keys, hashed)) }
    })
}

/// The servers before a change.
struct Before<'a> {
    plugin: &'a HashPlugin,
    scope: &'a Scope,
    servers: &'a [ServerInfo],
    table: &'a Result<Table, CallError>,
    slots: u32,
}

impl Before<'_> {
    fn changed(&self, change: Change, hashed: &Hashed) -> Moves {
        let servers = self.servers.len() as u32;
        Moves {
            slots: self.slots,
            servers,
            change,
            ideal: change.ideal(servers),
            moved: Figure(self.moved(change, hashed)),
        }
    }

    fn moved(&self, change: Change, hashed: &Hashed) -> Result<Moved, String> {
        if self.plugin.traits().tail_only && !change.is_at_the_end() {
            return Err("it can only lose the last server".into());
        }
        let before = self.table.as_ref().map_err(CallError::to_string)?;
        let uniform = hashed.iter().find(|(keys, _)| *keys == Keys::Uniform);
        let (_, slots) = uniform.ok_or("there are no uniform keys")?;
        let slots = slots.as_ref().map_err(CallError::to_string)?;
        let others = change.of(self.servers.len() as u32);
        let after = self.plugin.table(&others, self.scope.virtual_nodes, self.slots);
        let after = after.map_err(|e| e.to_string())?;
        Ok(moved(slots, (before, self.servers), (&after, &others)))
    }
}
