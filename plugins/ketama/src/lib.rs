//! Ketama, the ring of memcached's clients: the digests of "name-0", "name-1", … are four points
//! each, 32 bits of the digest taken as a little-endian number; a server of mean weight has 40
//! digests. A request goes to the first point that is not below the hash of its id in decimal.
//!
//! The original compares the hashes themselves. Here a hash is first scaled onto the slots, so of
//! points within one slot only the first owns it. And it counts digests in floats, which may lose
//! one to rounding: here their number is exact.

use ringwright_plugin::HashFunction;
use ringwright_plugin::continuum::Continuum;
use ringwright_plugin::digest::digest;
use ringwright_plugin::hash::{Description, Layout, Topology, Traits, table};
use ringwright_plugin::mix::scale;
use ringwright_plugin::shares::Share;

/// Of a server of mean weight.
const DIGESTS: u64 = 40;

/// The plugin.
pub struct Ketama;

impl HashFunction for Ketama {
    fn describe() -> Description {
        Description {
            name: "ketama".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "The MD5 ring of memcached's clients: 160 points a server, by weight".into(),
            reference: "Jones 2007, libketama, https://github.com/RJ/ketama".into(),
            settings: Vec::new(),
        }
    }

    fn declare() -> Traits {
        Traits { weighted: true, virtual_nodes: false, tail_only: false, max_servers: None }
    }

    fn slot(request: u64, slots: u32) -> u32 {
        let [hash, ..] = hashes(&request.to_string());
        scale(hash, slots)
    }

    fn arrange(topology: Topology) -> Result<Layout, String> {
        table(&topology, |shares| {
            let mut continuum = Continuum::new(topology.slots);
            for (share, digests) in shares.iter().zip(digests(shares)) {
                for k in 0..digests {
                    let points = hashes(&format!("{}-{k}", share.server.name));
                    points.into_iter().for_each(|point| continuum.add(point, share.position));
                }
            }
            Ok(continuum.owners())
        })
    }
}

ringwright_plugin::export_hash!(Ketama);

/// How many digests each server has: its part of the weights, of 40 for each server.
fn digests(shares: &[Share]) -> Vec<u64> {
    let weights: u64 = shares.iter().map(|s| u64::from(s.weight)).sum();
    let all = DIGESTS * shares.len() as u64;
    shares.iter().map(|s| u64::from(s.weight) * all / weights).collect()
}

/// The four hashes of a text, as the upper halves of 64 bits.
fn hashes(text: &str) -> [u64; 4] {
    let digest = digest(text);
    let (words, _) = digest.as_chunks::<4>();
    let mut hashes = [0; 4];
    for (hash, word) in hashes.iter_mut().zip(words) {
        *hash = u64::from(u32::from_le_bytes(*word)) << 32;
    }
    hashes
}

#[cfg(test)]
mod tests {
    use ringwright_plugin::shares::shares;
    use ringwright_plugin::testing::hash::{
        keeps_the_contract, moves, owned, owners, peak, servers, weighted,
    };

    use super::*;

    #[test]
    fn it_keeps_the_contract() {
        keeps_the_contract::<Ketama>();
    }

    /// MD5("1") = c4ca4238a0b923820dcc509a6f75849b
    #[test]
    fn a_digest_is_four_hashes() {
        let hashes = hashes("1").map(|hash| hash >> 32);
        assert_eq!(hashes, [0x3842_cac4, 0x8223_b9a0, 0x9a50_cc0d, 0x9b84_756f]);
        assert_eq!(Ketama::slot(1, 1 << 16), 0x3842);
    }

    /// Sorted and searched for the first point not below, as the original does.
    #[test]
    fn where_slots_are_fine_it_is_the_originals() {
        let (servers, slots) = (servers(1..=3), 1 << 20);
        let owners = owners::<Ketama>(&servers, slots);
        let mut points: Vec<(u64, u32)> = Vec::new();
        for server in &servers {
            for k in 0..40 {
                let hashes = hashes(&format!("{}-{k}", server.name));
                points.extend(hashes.map(|hash| (hash, server.id)));
            }
        }
        points.sort_unstable();
        let agrees = |id: &u64| {
            let [hash, ..] = hashes(&id.to_string());
            let next = points.iter().find(|(point, _)| *point >= hash).unwrap_or(&points[0]);
            owners[Ketama::slot(*id, slots) as usize] == next.1
        };
        // But for those that share a slot with a point: 480 of a million.
        assert!((0..10_000).filter(agrees).count() > 9_980);
    }

    #[test]
    fn weights_are_parts_of_all_digests() {
        let digests = |weights| digests(&shares(&weighted(weights)));
        assert_eq!(digests(&[1; 49]), [40; 49]);
        assert_eq!(digests(&[1, 3]), [20, 60]);
        assert_eq!(digests(&[u32::MAX, u32::MAX]), [40, 40]);
    }

    #[test]
    fn balance_is_that_of_160_points() {
        assert!(peak::<Ketama>(&servers(1..=10), 65_537) < 1.25);
        let owned = owned::<Ketama>(&weighted(&[1, 3]), 65_537);
        assert!((2.0..4.0).contains(&(owned[1] as f64 / owned[0] as f64)));
    }

    #[test]
    fn only_what_must_moves() {
        let grown = moves::<Ketama>(&servers(1..=10), &servers(1..=11), 65_537);
        assert!(grown.needless == 0 && grown.share() < 0.13, "{grown:?}");
        let shrunk = servers((1..=10).filter(|id| *id != 4));
        assert_eq!(moves::<Ketama>(&servers(1..=10), &shrunk, 65_537).needless, 0);
    }
}
