//! Rendezvous hashing: each server draws a number for each slot, and the highest has it.
//!
//! A draw is made of the server's number and the slot alone, so a server that leaves gives up
//! what it owned and nothing else moves. With weights, of the draw u in (0, 1) the least
//! -ln(u) / w wins, which is as likely as w is large. Among servers of one weight that is the
//! largest draw: a logarithm is taken only of the best of each weight.
//!
//! The logarithm is this crate's own, not the machine's, so that it is the same everywhere. A
//! layout draws servers times slots: what would take too long is refused.

use ringwright_plugin::HashFunction;
use ringwright_plugin::hash::{Description, Layout, Topology, Traits, table};
use ringwright_plugin::mix::{mix, scale};
use ringwright_plugin::shares::Share;

/// 1,000 servers on 65,537 slots are half of it, and take a tenth of a second.
const MOST_DRAWS: u64 = 1 << 27;

/// The plugin.
pub struct Rendezvous;

impl HashFunction for Rendezvous {
    fn describe() -> Description {
        Description {
            name: "rendezvous".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Highest random weight: of all servers the one that draws highest".into(),
            reference: "Thaler and Ravishankar 1998; weights: Schindelhauer and Schomaker 2005"
                .into(),
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
            let draws = shares.len() as u64 * u64::from(topology.slots);
            if draws > MOST_DRAWS {
                return Err(format!("{draws} servers times slots: at most {MOST_DRAWS}"));
            }
            let groups = groups(shares);
            Ok((0..topology.slots).map(|slot| winner(&groups, slot)).collect())
        })
    }
}

ringwright_plugin::export_hash!(Rendezvous);

/// Servers of one weight.
struct Group {
    weight: f64,
    /// Each one's position and what its draws are made of.
    members: Vec<(u32, u64)>,
}

fn groups(shares: &[Share]) -> Vec<Group> {
    let mut sorted = shares.to_vec();
    sorted.sort_by_key(|share| share.weight); // stable: of equals the first stays first
    let member = |share: &Share| (share.position, mix(u64::from(share.server.id)));
    let group = |of: &[Share]| Group {
        weight: of.first().map_or(1.0, |share| f64::from(share.weight)),
        members: of.iter().map(member).collect(),
    };
    sorted.chunk_by(|a, b| a.weight == b.weight).map(group).collect()
}

fn winner(groups: &[Group], slot: u32) -> u32 {
    let key = mix(u64::from(!slot));
    let mut winner = (f64::INFINITY, 0);
    for Group { weight, members } in groups {
        let mut best = (0, 0);
        for &(position, seed) in members {
            let draw = draw(seed, key);
            if draw >= best.1 {
                best = (position, draw);
            }
        }
        let score = -libm::log(fraction(best.1)) / weight;
        if score < winner.0 {
            winner = (score, best.0);
        }
    }
    winner.1
}

/// What a server draws for a slot: as much mixing as is needed, since there are so many.
fn draw(seed: u64, key: u64) -> u64 {
    let z = (seed ^ key).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (z ^ (z >> 32)).wrapping_mul(0x94d0_49bb_1331_11eb)
}

/// A draw as a number between 0 and 1, and neither.
fn fraction(draw: u64) -> f64 {
    ((draw >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
}

#[cfg(test)]
mod tests {
    use ringwright_plugin::testing::hash::{
        keeps_the_contract, moves, owned, owners, peak, peak_of_h, servers, topology, weighted,
    };

    use super::*;

    #[test]
    fn it_keeps_the_contract() {
        keeps_the_contract::<Rendezvous>();
    }

    #[test]
    fn it_is_even() {
        assert!(peak_of_h::<Rendezvous>(512) < 1.1);
        // A server's part is some 6554 ± 77.
        assert!(peak::<Rendezvous>(&servers(1..=10), 65_537) < 1.05);
        assert!(peak::<Rendezvous>(&servers(1..=100), 65_537) < 1.15);
    }

    #[test]
    fn weights_are_heeded() {
        let weights = [1, 2, 3, 3, 1, 10];
        assert!(peak::<Rendezvous>(&weighted(&weights), 65_537) < 1.05);
        let owned = owned::<Rendezvous>(&weighted(&weights), 65_537);
        assert!((9.0..11.0).contains(&(owned[5] as f64 / owned[4] as f64)), "{owned:?}");
    }

    #[test]
    fn only_what_must_moves() {
        let ten = servers(1..=10);
        let grown = moves::<Rendezvous>(&ten, &servers(1..=11), 65_537);
        assert!(grown.needless == 0 && (0.08..0.10).contains(&grown.share()), "{grown:?}");
        let shrunk = servers((1..=10).filter(|id| *id != 4));
        assert_eq!(moves::<Rendezvous>(&ten, &shrunk, 65_537).needless, 0);
        // A weight that grows takes from the others, and moves nothing between them.
        let heavier = weighted(&[1, 1, 1, 2, 1, 1, 1, 1, 1, 1]);
        let others: Vec<u64> = owned::<Rendezvous>(&ten, 65_537);
        let after = owned::<Rendezvous>(&heavier, 65_537);
        assert!(others.iter().zip(&after).enumerate().all(|(i, (a, b))| i == 3 || b <= a));
    }

    /// The number is what the component answered, whose logarithm is computed elsewhere.
    #[test]
    fn a_layout_is_the_same_everywhere() {
        let weights: Vec<u32> = (1..=1_000).map(|id| id % 7 + 1).collect();
        let owners = owners::<Rendezvous>(&weighted(&weights), 65_537);
        let fold = |sum: u64, id: u32| {
            (sum ^ u64::from(id - 1)).wrapping_mul(0x0100_0000_01b3).rotate_left(5)
        };
        assert_eq!(owners.into_iter().fold(0, fold), 0x7f7e_25f6_d9cd_4114);
    }

    #[test]
    fn what_would_take_too_long_is_refused() {
        let refusal = Rendezvous::arrange(topology::<Rendezvous>(servers(1..=1_000), 1 << 20));
        assert!(refusal.is_err_and(|e| e.contains("1048576000")));
    }

    #[test]
    fn a_fraction_has_a_logarithm() {
        assert!(fraction(0) > 0.0 && fraction(u64::MAX) < 1.0);
    }
}
