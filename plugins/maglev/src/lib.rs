//! Maglev: each server has a permutation of the slots, and in turns takes the next of them that is
//! free. So all own nearly equally much, at the price that a change moves a little more than it
//! must.
//!
//! The paper's table has a prime size, so that every skip visits every slot. Here the table has
//! as many entries as there are slots, prime or not: a skip that has a factor in common with that
//! number is counted up to the next that has none.
//!
//! With weights the turns are shared out: turn k of a server of weight w comes at time k / w. With
//! equal weights these are the paper's rounds.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use ringwright_plugin::HashFunction;
use ringwright_plugin::hash::{Description, Layout, Topology, Traits, table};
use ringwright_plugin::mix::{mix, mix_pair, scale};
use ringwright_plugin::shares::Share;

/// The plugin.
pub struct Maglev;

impl HashFunction for Maglev {
    fn describe() -> Description {
        Description {
            name: "maglev".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Servers take slots in turns, each by its own permutation: as even as can be"
                .into(),
            reference: "Eisenbud et al. 2016, Maglev, NSDI '16, section 3.4".into(),
            settings: Vec::new(),
        }
    }

    fn declare() -> Traits {
        Traits { weighted: true, virtual_nodes: false, tail_only: false, max_servers: None }
    }

    fn slot(request: u64, slots: u32) -> u32 {
        scale(mix(request), slots)
    }

    fn arrange(topology: Topology) -> Result<Layout, String> {
        table(&topology, |shares| {
            let slots = topology.slots;
            let seat = |share: &Share| Seat {
                owner: share.position,
                weight: share.weight,
                permutation: Permutation::of(share.server.id, slots),
            };
            Ok(fill(shares.iter().map(seat).collect(), slots))
        })
    }
}

ringwright_plugin::export_hash!(Maglev);

/// A server that takes its turns.
struct Seat {
    owner: u32,
    weight: u32,
    permutation: Permutation,
}

/// All slots, each once: from `next` on, always `skip` further.
struct Permutation {
    next: u32,
    skip: u32,
    slots: u32,
}

impl Permutation {
    fn of(server: u32, slots: u32) -> Self {
        let mut skip = scale(mix_pair(server, 2), slots).max(1);
        while gcd(skip, slots) > 1 {
            skip += 1; // at slots - 1 it ends, if not before
        }
        Permutation { next: scale(mix_pair(server, 1), slots), skip, slots }
    }
}

impl Iterator for Permutation {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let slot = self.next;
        self.next = (slot + self.skip) % self.slots;
        Some(slot)
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// No position in a list of servers.
const NOBODY: u32 = u32::MAX;

/// The owner of each slot.
fn fill(mut seats: Vec<Seat>, slots: u32) -> Vec<u32> {
    let mut owners = vec![NOBODY; slots as usize];
    // When, who and which of its turns: times are positive, so their bits sort as they do.
    let time = |turn: u32, weight| (f64::from(turn) / f64::from(weight)).to_bits();
    let first = |(i, seat): (usize, &Seat)| Reverse((time(1, seat.weight), i, 1));
    let mut turns: BinaryHeap<_> = seats.iter().enumerate().map(first).collect();
    for _ in 0..slots {
        let Some(Reverse((_, i, turn))) = turns.pop() else { break };
        let Seat { owner, weight, permutation } = &mut seats[i];
        if let Some(slot) = permutation.find(|slot| owners[*slot as usize] == NOBODY) {
            owners[slot as usize] = *owner;
        }
        turns.push(Reverse((time(turn + 1, *weight), i, turn + 1)));
    }
    owners
}

#[cfg(test)]
mod tests {
    use ringwright_plugin::testing::hash::{
        keeps_the_contract, moves, owned, peak, peak_of_h, servers, weighted,
    };

    use super::*;

    #[test]
    fn it_keeps_the_contract() {
        keeps_the_contract::<Maglev>();
    }

    /// Table 1 of the paper, before and after the second of three servers is gone.
    #[test]
    fn the_papers_table_comes_out() {
        let seat = |(owner, next, skip)| Seat {
            owner,
            weight: 1,
            permutation: Permutation { next, skip, slots: 7 },
        };
        let fill = |seats: &[(u32, u32, u32)]| fill(seats.iter().copied().map(seat).collect(), 7);
        assert_eq!(fill(&[(0, 3, 4), (1, 0, 2), (2, 3, 1)]), [1, 0, 1, 0, 2, 2, 0]);
        assert_eq!(fill(&[(0, 3, 4), (2, 3, 1)]), [0, 0, 0, 0, 2, 2, 2]);
    }

    #[test]
    fn a_permutation_visits_every_slot() {
        for slots in [1, 2, 6, 512, 30_030, 65_537] {
            for server in 1..20 {
                let visited = Permutation::of(server, slots).take(slots as usize);
                let mut visited: Vec<u32> = visited.collect();
                visited.sort_unstable();
                assert!(visited.into_iter().eq(0..slots), "server {server}, {slots} slots");
            }
        }
    }

    #[test]
    fn all_own_equally_much_but_for_one_slot() {
        let owned = owned::<Maglev>(&servers(1..=100), 65_537);
        assert!(owned.iter().all(|n| [655, 656].contains(n)), "{owned:?}");
        assert!(peak_of_h::<Maglev>(512) < 1.1);
    }

    #[test]
    fn turns_are_by_weight() {
        assert_eq!(owned::<Maglev>(&weighted(&[1, 2, 5]), 512), [64, 128, 320]);
        assert!(peak::<Maglev>(&weighted(&[7, 1_000_000, 999]), 65_537) < 1.2);
    }

    /// Each server has a part of 1 in 10; the paper measures some needless moves, and few.
    #[test]
    fn little_more_than_must_moves() {
        let grown = moves::<Maglev>(&servers(1..=10), &servers(1..=11), 65_537);
        assert!((0.09..0.2).contains(&grown.share()), "{grown:?}");
        let shrunk = servers((1..=10).filter(|id| *id != 4));
        let shrunk = moves::<Maglev>(&servers(1..=10), &shrunk, 65_537);
        assert!((0.09..0.2).contains(&shrunk.share()), "{shrunk:?}");
    }
}
