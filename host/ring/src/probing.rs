//! Linear probing: a virtual node that finds its slot taken goes to the next free one.

use crate::Point;

/// Gives each point a slot of its own, in the order given.
///
/// There must be no more points than slots.
pub(crate) fn settle(points: &mut [Point], slots: u32) {
    let mut next: Vec<u32> = (0..slots).collect();
    for point in points {
        point.slot = free(&mut next, point.slot);
        next[point.slot as usize] = (point.slot + 1) % slots;
    }
}

/// The first free slot from `slot` on: one that leads to itself.
///
/// Halving the path on the way keeps it short, so that a plugin that wants one slot for all
/// its points costs no more than another.
fn free(next: &mut [u32], mut slot: u32) -> u32 {
    loop {
        let after = next[slot as usize];
        if after == slot {
            return slot;
        }
        next[slot as usize] = next[after as usize];
        slot = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(wanted: &[u32], slots: u32) -> Vec<u32> {
        let mut points: Vec<Point> =
            wanted.iter().map(|&slot| Point { slot, server: 0, virtual_node: 0 }).collect();
        settle(&mut points, slots);
        points.iter().map(|p| p.slot).collect()
    }

    #[test]
    fn a_clash_moves_the_later_one() {
        assert_eq!(settled(&[3, 3, 4, 3], 8), [3, 4, 5, 6]);
    }

    #[test]
    fn probing_wraps_around_a_full_ring() {
        assert_eq!(settled(&[2, 2, 2], 3), [2, 0, 1]);
    }

    #[test]
    fn it_is_what_probing_slot_by_slot_gives() {
        let slots = 257;
        let wanted: Vec<u32> = (0..slots).map(|i| i * i * 31 % 61).collect();
        let mut taken = vec![false; slots as usize];
        let one_by_one: Vec<u32> = wanted
            .iter()
            .map(|&w| {
                let mut slot = w;
                while std::mem::replace(&mut taken[slot as usize], true) {
                    slot = (slot + 1) % slots;
                }
                slot
            })
            .collect();
        assert_eq!(settled(&wanted, slots), one_by_one);
    }
}
