//! A layout as an array from slot to server.

use std::borrow::Cow;

use crate::arcs::Arcs;
use crate::{Layout, LayoutError, Point, probing};

/// The most slots a ring may have: 64 MiB of table.
pub const MAX_SLOTS: u32 = 1 << 24;

/// Who owns each slot.
#[derive(Clone, Debug)]
pub struct Table {
    /// Empty where there are no servers.
    owners: Box<[u32]>,
    arcs: Arcs,
    points: Box<[Point]>,
    slots: u32,
    servers: usize,
}

impl Table {
    /// Makes a table of a layout of `servers` servers over `slots` slots.
    ///
    /// Virtual nodes take their places in the order given, one that finds its slot taken the
    /// next free one. A slot belongs to the first virtual node clockwise, its own included.
    /// Without servers a layout is empty and its table owns nothing.
    ///
    /// # Errors
    /// Says what is wrong with the layout.
    pub fn build(layout: Layout, servers: usize, slots: u32) -> Result<Self, LayoutError> {
        if slots == 0 || slots > MAX_SLOTS {
            return Err(LayoutError::Slots(slots));
        }
        let (owners, points) = match layout {
            Layout::Ring(points) => {
                let points = places(points, servers, slots)?;
                (clockwise(&points, slots), points)
            }
            Layout::Table(owners) => (whole(owners, servers, slots)?, Vec::new()),
        };
        let arcs = Arcs::of(&owners, servers);
        Ok(Table { owners: owners.into(), arcs, points: points.into(), slots, servers })
    }

    /// The position of the server that owns a slot; `None` for a slot there is not, or where
    /// there are no servers.
    pub fn owner(&self, slot: u32) -> Option<usize> {
        self.owners.get(slot as usize).map(|s| *s as usize)
    }

    /// The positions of all servers, each once: the owners from a slot on, clockwise, its own
    /// first, then those to ask where no owner can answer, because they own no slot.
    pub fn walk(&self, slot: u32) -> Vec<usize> {
        self.arcs.walk(slot, self.servers)
    }

    /// The virtual nodes clockwise, where they stand after probing.
    ///
    /// For a layout that was no ring, those of the ring that has the same owners: one where each
    /// run of slots of one owner ends. Either way a slot belongs to the first of them clockwise.
    pub fn points(&self) -> Cow<'_, [Point]> {
        if self.points.is_empty() {
            Cow::Owned(self.arcs.points(self.servers))
        } else {
            Cow::Borrowed(&self.points)
        }
    }

    /// The memory it takes.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.owners) + self.arcs.bytes() + size_of_val(&*self.points)
    }

    /// How many slots there are.
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// How many servers were laid out.
    pub fn servers(&self) -> usize {
        self.servers
    }
}

/// The points, each on a slot of its own, clockwise.
fn places(mut points: Vec<Point>, servers: usize, slots: u32) -> Result<Vec<Point>, LayoutError> {
    if points.is_empty() && servers > 0 {
        return Err(LayoutError::NoPoints);
    }
    if points.len() > slots as usize {
        return Err(LayoutError::Crowded { points: points.len(), slots });
    }
    for point in &points {
        if point.slot >= slots {
            return Err(LayoutError::NoSuchSlot { slot: point.slot, slots });
        }
        known(point.server, servers)?;
    }
    probing::settle(&mut points, slots);
    points.sort_unstable_by_key(|p| p.slot);
    Ok(points)
}

/// The owners of the slots, given the points clockwise.
fn clockwise(points: &[Point], slots: u32) -> Vec<u32> {
    let Some(first) = points.first() else { return Vec::new() };
    let mut owners = Vec::with_capacity(slots as usize);
    for point in points {
        owners.resize(point.slot as usize + 1, point.server);
    }
    owners.resize(slots as usize, first.server); // beyond the last point the ring closes
    owners
}

/// The table as given, if it tells of every slot.
fn whole(owners: Vec<u32>, servers: usize, slots: u32) -> Result<Vec<u32>, LayoutError> {
    let empty = servers == 0 && owners.is_empty();
    if owners.len() != slots as usize && !empty {
        return Err(LayoutError::Length { got: owners.len(), slots });
    }
    owners.iter().try_for_each(|&server| known(server, servers))?;
    Ok(owners)
}

fn known(server: u32, servers: usize) -> Result<(), LayoutError> {
    let known = (server as usize) < servers;
    if known { Ok(()) } else { Err(LayoutError::NoSuchServer { server, servers }) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    fn at(slot: u32, server: u32, virtual_node: u32) -> Point {
        Point { slot, server, virtual_node }
    }

    /// Φ(i, j) = i² + j² + 2j + 25 of the paper, servers and virtual nodes from 1.
    fn papers(servers: u32, virtual_nodes: u32) -> Layout {
        let point = |i: u32, j: u32| at((i * i + j * j + 2 * j + 25) % 512, i - 1, j);
        let points = (1..=servers)
            .flat_map(|i| (1..=virtual_nodes).map(move |j| (i, j)))
            .map(|(i, j)| point(i, j));
        Layout::Ring(points.collect())
    }

    #[test]
    fn the_papers_points_worked_by_hand() {
        // Server 1: 29, 34, 41, 50; server 2: 32, 37, 44, 53; server 3: 37, 42, 49, 58, of which
        // 37 is taken by Φ(2, 2) and goes to 38.
        let table = Table::build(papers(3, 4), 3, 512).unwrap();
        assert_eq!(
            *table.points(),
            [
                at(29, 0, 1),
                at(32, 1, 1),
                at(34, 0, 2),
                at(37, 1, 2),
                at(38, 2, 1),
                at(41, 0, 3),
                at(42, 2, 2),
                at(44, 1, 3),
                at(49, 2, 3),
                at(50, 0, 4),
                at(53, 1, 4),
                at(58, 2, 4),
            ]
        );
    }

    #[test]
    fn a_slot_belongs_to_the_first_point_clockwise() {
        let table = Table::build(papers(3, 4), 3, 512).unwrap();
        for (slot, owner) in [(29, 0), (30, 1), (32, 1), (33, 0), (38, 2), (39, 0), (58, 2)] {
            assert_eq!(table.owner(slot), Some(owner), "slot {slot}");
        }
        // Beyond 58 the ring closes: the next point is 29, of the first server.
        for slot in [59, 511, 0, 28] {
            assert_eq!(table.owner(slot), Some(0), "slot {slot}");
        }
        assert_eq!(table.owner(512), None);
    }

    #[test]
    fn a_clash_at_the_last_slot_goes_to_the_first() {
        let layout = Layout::Ring(vec![at(511, 0, 1), at(511, 1, 1)]);
        let table = Table::build(layout, 2, 512).unwrap();
        assert_eq!(*table.points(), [at(0, 1, 1), at(511, 0, 1)]);
        assert_eq!([0, 1, 511].map(|s| table.owner(s)), [Some(1), Some(0), Some(0)]);
    }

    #[test]
    fn a_walk_meets_each_server_once_and_the_owner_first() {
        let table = Table::build(papers(3, 4), 3, 512).unwrap();
        assert_eq!(table.walk(35), [1, 2, 0]); // 37, 38, 41
        assert_eq!(table.walk(55), [2, 0, 1]); // 58, around to 29, 32
        assert_eq!(table.walk(400), [0, 1, 2]); // 29, 32, (34, 37,) 38
        for slot in 0..512 {
            assert_eq!(table.walk(slot).first().copied(), table.owner(slot));
        }
    }

    #[test]
    fn a_table_is_walked_slot_by_slot() {
        let table = Table::build(Layout::Table(vec![2, 0, 0, 2]), 4, 4).unwrap();
        assert_eq!(table.walk(1)[..2], [0, 2]);
        assert_eq!(table.walk(3)[..2], [2, 0]);
        assert_eq!((table.slots(), table.servers()), (4, 4));
    }

    #[test]
    fn who_owns_no_slot_is_asked_last() {
        let table = Table::build(Layout::Table(vec![2, 0, 0, 2]), 4, 4).unwrap();
        assert_eq!([0, 1].map(|slot| table.walk(slot)), [vec![2, 0, 1, 3], vec![0, 2, 1, 3]]);
        let table = Table::build(Layout::Ring(vec![at(7, 1, 1)]), 3, 512).unwrap();
        assert_eq!(table.walk(400), [1, 0, 2]);
    }

    #[test]
    fn the_points_of_a_table_make_the_same_ring() {
        for owners in [vec![2, 0, 0, 2], vec![1, 1, 1, 1], vec![0, 1, 0, 1], vec![3, 3, 0, 0]] {
            let table = Table::build(Layout::Table(owners), 4, 4).unwrap();
            let points = table.points().into_owned();
            let ring = Table::build(Layout::Ring(points.clone()), 4, 4).unwrap();
            for slot in 0..4 {
                assert_eq!(ring.owner(slot), table.owner(slot), "{points:?}");
            }
        }
        let table = Table::build(Layout::Table(vec![2, 0, 0, 2]), 4, 4).unwrap();
        assert_eq!(*table.points(), [at(0, 2, 1), at(2, 0, 1), at(3, 2, 2)]);
    }

    #[test]
    fn no_servers_own_nothing() {
        for layout in [Layout::Ring(Vec::new()), Layout::Table(Vec::new())] {
            let table = Table::build(layout, 0, 512).unwrap();
            assert_eq!(table.owner(0), None);
            assert!(table.walk(0).is_empty() && table.points().is_empty());
        }
    }

    #[test]
    fn a_full_ring_is_a_ring() {
        let layout = Layout::Ring((0..4).map(|i| at(1, i, 1)).collect());
        let table = Table::build(layout, 4, 4).unwrap();
        assert_eq!([0, 1, 2, 3].map(|s| table.owner(s)), [Some(3), Some(0), Some(1), Some(2)]);
    }

    #[test]
    fn a_layout_that_is_none_is_refused() {
        let ring =
            |points: &[Point]| Table::build(Layout::Ring(points.to_vec()), 2, 4).unwrap_err();
        let table =
            |owners: &[u32]| Table::build(Layout::Table(owners.to_vec()), 2, 4).unwrap_err();
        assert_eq!(ring(&[]), LayoutError::NoPoints);
        assert_eq!(ring(&[at(4, 0, 1)]), LayoutError::NoSuchSlot { slot: 4, slots: 4 });
        assert_eq!(ring(&[at(0, 2, 1)]), LayoutError::NoSuchServer { server: 2, servers: 2 });
        assert_eq!(ring(&[at(0, 0, 1); 5]), LayoutError::Crowded { points: 5, slots: 4 });
        assert_eq!(table(&[0, 1, 0]), LayoutError::Length { got: 3, slots: 4 });
        assert_eq!(table(&[0, 1, 2, 0]), LayoutError::NoSuchServer { server: 2, servers: 2 });
        let slots = |n| Table::build(Layout::Table(Vec::new()), 0, n).unwrap_err();
        assert_eq!(slots(0), LayoutError::Slots(0));
        assert_eq!(slots(MAX_SLOTS + 1), LayoutError::Slots(MAX_SLOTS + 1));
    }
}
