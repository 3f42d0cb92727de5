//! What tests of hash functions share.

use ringwright_ring::{Balance, Moves, Table};

use super::defaults;
pub use super::{server, set};
use crate::HashFunction;
use crate::hash::{Layout, MOST_SLOTS, Point, Server, Topology};

/// Servers of weight 1.
pub fn servers(ids: impl IntoIterator<Item = u32>) -> Vec<Server> {
    ids.into_iter().map(server).collect()
}

/// Servers of these weights, numbered from 1.
pub fn weighted(weights: &[u32]) -> Vec<Server> {
    (1..).zip(weights).map(|(id, &weight)| Server { weight, ..server(id) }).collect()
}

/// Servers to lay out, with settings as described and the host's number of virtual nodes.
pub fn topology<H: HashFunction>(servers: Vec<Server>, slots: u32) -> Topology {
    Topology { servers, virtual_nodes: 9, slots, settings: defaults(H::describe().settings) }
}

/// The points of a ring.
///
/// # Panics
/// Where the layout is refused, or a table.
pub fn points<H: HashFunction>(topology: Topology) -> Vec<Point> {
    match H::arrange(topology).unwrap() {
        Layout::Ring(points) => points,
        Layout::Table(_) => panic!("a table has no points"),
    }
}

/// The table that the host makes of a layout.
///
/// # Panics
/// Where the layout is refused, or none.
pub fn table<H: HashFunction>(topology: Topology) -> Table {
    use ringwright_ring as ring;
    let (servers, slots) = (topology.servers.len(), topology.slots);
    let point =
        |p: Point| ring::Point { slot: p.slot, server: p.server, virtual_node: p.virtual_node };
    let layout = match H::arrange(topology).unwrap() {
        Layout::Ring(points) => ring::Layout::Ring(points.into_iter().map(point).collect()),
        Layout::Table(owners) => ring::Layout::Table(owners),
    };
    Table::build(layout, servers, slots).unwrap()
}

/// The number of each slot's owner.
///
/// # Panics
/// Where there is none.
pub fn owners<H: HashFunction>(servers: &[Server], slots: u32) -> Vec<u32> {
    let table = table::<H>(topology::<H>(servers.to_vec(), slots));
    (0..slots).map(|slot| servers[table.owner(slot).unwrap()].id).collect()
}

/// How many slots each server owns.
///
/// # Panics
/// Where a slot has no owner.
pub fn owned<H: HashFunction>(servers: &[Server], slots: u32) -> Vec<u64> {
    let mut owned = vec![0; servers.len()];
    for owner in owners::<H>(servers, slots) {
        owned[servers.iter().position(|s| s.id == owner).unwrap()] += 1;
    }
    owned
}

/// The largest part of the slots that a server owns, relative to what its weight asks for.
///
/// # Panics
/// Where there is nothing to own.
pub fn peak<H: HashFunction>(servers: &[Server], slots: u32) -> f64 {
    let weights: Vec<u32> = servers.iter().map(|s| s.weight).collect();
    Balance::of(&owned::<H>(servers, slots), &weights).unwrap().peak_to_mean
}

/// The slots that get another owner when the servers change.
pub fn moves<H: HashFunction>(before: &[Server], after: &[Server], slots: u32) -> Moves {
    let stayed = |id: &u32| [before, after].iter().all(|all| all.iter().any(|s| s.id == *id));
    Moves::count(owners::<H>(before, slots).into_iter().zip(owners::<H>(after, slots)), stayed)
}

/// How 10,000 requests fall on so many servers of a ring of 512 slots if every six-digit id comes
/// equally often: what the paper's plots are samples of.
///
/// # Panics
/// Where a slot has no owner.
pub fn shares<H: HashFunction>(count: u32) -> Vec<u32> {
    let table = table::<H>(topology::<H>(servers(1..=count), 512));
    let mut counts = vec![0_u32; count as usize];
    for slot in H::slots((100_000..=999_999).collect(), 512) {
        counts[table.owner(slot).unwrap()] += 1;
    }
    counts.into_iter().map(|n| (n + 45) / 90).collect()
}

/// What every hash function that answers a table must do, whatever its idea.
///
/// # Panics
/// Where it does not.
pub fn keeps_the_contract<H: HashFunction>() {
    let sparse = || (1..=10).map(|i| i * i);
    for slots in [1, 2, 512, 65_537, MOST_SLOTS] {
        assert!(
            matches!(H::arrange(topology::<H>(Vec::new(), slots)), Ok(Layout::Table(t)) if t.is_empty())
        );
        assert_eq!(owned::<H>(&servers([7]), slots), [u64::from(slots)]);
        assert_eq!(owners::<H>(&servers(sparse()), slots).len(), slots as usize);
        let requests: Vec<u64> = (0..1_000).chain([u64::MAX]).collect();
        let each: Vec<u32> = requests.iter().map(|&r| H::slot(r, slots)).collect();
        assert!(each.iter().all(|slot| *slot < slots));
        assert_eq!(H::slots(requests, slots), each);
    }
    assert_eq!(owners::<H>(&servers(1..=1_000), 512).len(), 512);
    for slots in [0, MOST_SLOTS + 1] {
        assert!(H::arrange(topology::<H>(servers([1]), slots)).is_err());
    }
    // A weight of nothing is a last resort; all of them are all alike.
    let owned = |weights| owned::<H>(&weighted(weights), 512);
    assert_eq!(owned(&[0, 1, 0]), [0, 512, 0]);
    assert_eq!(owned(&[0, 0, 0]), owned(&[1, 1, 1]));
}

/// How often each slot comes up: its largest part, relative to the mean.
///
/// # Panics
/// Where a slot is out of range.
pub fn peak_of_h<H: HashFunction>(slots: u32) -> f64 {
    let mut counts = vec![0_u64; slots as usize];
    for slot in H::slots((100_000..=999_999).collect(), slots) {
        counts[slot as usize] += 1;
    }
    Balance::even(&counts).unwrap().peak_to_mean
}
