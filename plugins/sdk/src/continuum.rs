//! A ring finer than the slots.
//!
//! Such a ring has more points than slots, or points closer than two slots are, so its layout is
//! a table. A slot belongs to the first point clockwise from where the slot begins. So of the
//! points within one slot only the first owns anything, and only it is kept: no point need be
//! sorted.

/// A ring of points anywhere between 0 and 2⁶⁴, seen from so many slots.
#[derive(Clone, Debug)]
pub struct Continuum {
    /// The first point in each slot: how far in, 32 bits, and whose it is. Of two at one place
    /// the server that comes first in the list is kept.
    first: Vec<u64>,
}

const NONE: u64 = u64::MAX;

impl Continuum {
    /// A ring without points.
    pub fn new(slots: u32) -> Self {
        Continuum { first: vec![NONE; slots as usize] }
    }

    /// Adds a point of the server at a position in the list.
    pub fn add(&mut self, point: u64, server: u32) {
        let slots = self.first.len() as u64;
        // point · slots / 2⁶⁴, by halves: the slot above the point, and 32 bits below it.
        let high = (point >> 32) * slots + (((point & 0xffff_ffff) * slots) >> 32);
        let first = &mut self.first[(high >> 32) as usize];
        *first = (*first).min((high << 32) | u64::from(server));
    }

    /// The owner of each slot; none where there is no point.
    pub fn owners(self) -> Vec<u32> {
        let last = self.first.iter().find(|&&first| first != NONE);
        let Some(mut next) = last.map(|&first| first as u32) else { return Vec::new() };
        let mut owners = vec![0; self.first.len()];
        // Counter-clockwise, from the first point over 0 to the last slot.
        for (owner, first) in owners.iter_mut().zip(self.first).rev() {
            if first != NONE {
                next = first as u32;
            }
            *owner = next;
        }
        owners
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owners(slots: u32, points: &[(u64, u32)]) -> Vec<u32> {
        let mut continuum = Continuum::new(slots);
        points.iter().for_each(|&(point, server)| continuum.add(point, server));
        continuum.owners()
    }

    const QUARTER: u64 = 1 << 62;

    #[test]
    fn a_slot_belongs_to_the_first_point_clockwise() {
        assert_eq!(owners(4, &[(QUARTER, 7), (3 * QUARTER - 1, 8)]), [7, 7, 8, 7]);
        assert_eq!(owners(4, &[(0, 1), (u64::MAX, 2)]), [1, 2, 2, 2]);
        assert_eq!(owners(1, &[(2 * QUARTER, 3), (QUARTER, 9)]), [9]);
        assert_eq!(owners(4, &[]), []);
    }

    #[test]
    fn within_a_slot_the_first_point_counts_whatever_the_order() {
        let (near, far) = ((QUARTER + (1 << 40), 5), (QUARTER + (1 << 41), 4));
        assert_eq!(owners(4, &[near, far])[1], 5);
        assert_eq!(owners(4, &[far, near])[1], 5);
        assert_eq!(owners(4, &[(9, 2), (9, 1)])[0], 1);
    }

    /// As sorting all points and searching them would have it.
    #[test]
    fn it_agrees_with_a_search() {
        let mut points: Vec<(u64, u32)> =
            (0..500).map(|i| (crate::mix::mix(i), (i % 7) as u32)).collect();
        for slots in [1_u32, 3, 512, 65_537] {
            let owners = owners(slots, &points);
            points.sort_unstable();
            for (slot, owner) in (0_u128..).zip(owners) {
                let start = (slot << 64).div_ceil(u128::from(slots));
                let next = points.iter().find(|(p, _)| u128::from(*p) >= start);
                assert_eq!(owner, next.unwrap_or(&points[0]).1, "slot {slot} of {slots}");
            }
        }
    }
}
