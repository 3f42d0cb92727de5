//! What a change of servers moves.

use ringwright_plugin_runtime::ServerInfo;
use ringwright_ring::Table;

use crate::{Change, Moved};

/// So many servers, numbered from 1 as the paper's code does.
pub(crate) fn servers(count: u32) -> Vec<ServerInfo> {
    (1..=count).map(|id| ServerInfo::new(id, &format!("Server{id}"))).collect()
}

impl Change {
    /// All there are.
    pub const ALL: [Change; 4] =
        [Change::AddOne, Change::RemoveLast, Change::RemoveMiddle, Change::RemoveTenth];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Change::AddOne => "add one",
            Change::RemoveLast => "remove the last",
            Change::RemoveMiddle => "remove a middle one",
            Change::RemoveTenth => "remove a tenth",
        }
    }

    /// Whether only the end of the list changes.
    pub(crate) fn is_at_the_end(self) -> bool {
        matches!(self, Change::AddOne | Change::RemoveLast)
    }

    /// So many servers after the change.
    pub(crate) fn of(self, count: u32) -> Vec<ServerInfo> {
        let stays = |id: u32| match self {
            Change::AddOne => true,
            Change::RemoveLast => id != count,
            Change::RemoveMiddle => id != count.div_ceil(2),
            Change::RemoveTenth => id % 10 != 5,
        };
        let all = servers(if self == Change::AddOne { count + 1 } else { count });
        all.into_iter().filter(|server| stays(server.id)).collect()
    }

    /// The share of the keys that must move if every server has its fair part.
    pub(crate) fn ideal(self, count: u32) -> f64 {
        let after = self.of(count).len() as f64;
        let before = f64::from(count);
        (before - after).abs() / before.max(after)
    }
}

/// What moves of the requests of these slots. A server is told by its number.
pub(crate) fn moved(
    slots: &[u32],
    (before, servers): (&Table, &[ServerInfo]),
    (after, others): (&Table, &[ServerInfo]),
) -> Moved {
    let id = |servers: &[ServerInfo], table: &Table, slot| table.owner(slot).map(|i| servers[i].id);
    let owners = slots.iter().map(|&slot| (id(servers, before, slot), id(others, after, slot)));
    // Servers come by number.
    let is_in = |servers: &[ServerInfo], id| servers.binary_search_by_key(&id, |s| s.id).is_ok();
    let stayed = |id: &Option<u32>| id.is_some_and(|id| is_in(servers, id) && is_in(others, id));
    let moves = ringwright_ring::Moves::count(owners, stayed);
    let needless = ringwright_ring::Moves { moved: moves.needless, ..moves };
    Moved { share: moves.share(), needless: needless.share() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use ringwright_ring::Layout;

    use super::*;

    #[test]
    fn changes_are_what_they_are_called() {
        let ids =
            |change: Change, count| -> Vec<u32> { change.of(count).iter().map(|s| s.id).collect() };
        assert_eq!(ids(Change::AddOne, 3), [1, 2, 3, 4]);
        assert_eq!(ids(Change::RemoveLast, 3), [1, 2]);
        assert_eq!(ids(Change::RemoveMiddle, 3), [1, 3]);
        assert_eq!(ids(Change::RemoveTenth, 10), [1, 2, 3, 4, 6, 7, 8, 9, 10]);
        assert_eq!(Change::RemoveTenth.of(1_000).len(), 900);
        assert_eq!(Change::ALL.map(|c| c.ideal(100)), [1.0 / 101.0, 0.01, 0.01, 0.1]);
    }

    #[test]
    fn a_server_is_the_same_wherever_it_stands_in_the_list() {
        let (before, after) = (servers(3), Change::RemoveMiddle.of(3));
        let table =
            |owners: &[u32], count| Table::build(Layout::Table(owners.to_vec()), count, 4).unwrap();
        let old = table(&[0, 1, 2, 2], 3);
        // Server 3 is second now: its first slot stayed, its second went to server 1 for nothing.
        let new = table(&[0, 0, 1, 0], 2);
        let moved = moved(&[0, 1, 2, 3], (&old, &before), (&new, &after));
        assert_eq!(moved, Moved { share: 0.5, needless: 0.25 });
    }
}
