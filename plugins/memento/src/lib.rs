//! MementoHash: jump consistent hash, and for each bucket that was removed a replacement. So any
//! server can go, and only what it owned moves.
//!
//! Bucket b is the server of number b + 1; buckets without a server, up to the last that has one,
//! are those removed. The paper remembers in which order they were. A plugin remembers nothing, so
//! here the order is always from the last to the first. As long as servers go in that order, or
//! only one is missing, this is the paper's function. Else, when one goes or comes behind a gap,
//! the requests of the gaps before it are shared out anew among those that stay: with g gaps among
//! n buckets, up to g / n of the requests move beside those that must. A gap that is filled, as
//! when a server is replaced under its number, mends it.

use ringwright_plugin::HashFunction;
use ringwright_plugin::hash::{Description, Layout, Topology, Traits, table};
use ringwright_plugin::jump::jump;
use ringwright_plugin::mix::{mix, scale};
use ringwright_plugin::shares::Share;

/// More take too much memory.
const MOST_BUCKETS: usize = 1 << 18;

/// The plugin.
pub struct MementoHash;

impl HashFunction for MementoHash {
    fn describe() -> Description {
        Description {
            name: "memento".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Jump hash that any server can leave: removed ones have replacements".into(),
            reference: "Coluzzi et al. 2023, MementoHash, https://arxiv.org/abs/2306.09783".into(),
            settings: Vec::new(),
        }
    }

    fn declare() -> Traits {
        Traits { weighted: false, virtual_nodes: false, tail_only: false, max_servers: None }
    }

    fn slot(request: u64, slots: u32) -> u32 {
        scale(mix(request), slots)
    }

    fn arrange(topology: Topology) -> Result<Layout, String> {
        table(&topology, |shares| {
            let buckets = Buckets::of(shares)?;
            Ok((0..u64::from(topology.slots)).map(|slot| buckets.owner(mix(slot))).collect())
        })
    }
}

ringwright_plugin::export_hash!(MementoHash);

#[derive(Clone, Copy)]
enum Bucket {
    /// The position of its server.
    Working(u32),
    /// How many buckets were left after it was removed, which is the number of the one that
    /// replaces it.
    Removed(u32),
}

struct Buckets(Vec<Bucket>);

impl Buckets {
    fn of(shares: &[Share]) -> Result<Self, String> {
        let last = shares.iter().map(|s| s.server.id as usize).max().unwrap_or(0);
        if last > MOST_BUCKETS {
            return Err(format!("a server has the number {last}: at most {MOST_BUCKETS}"));
        }
        let mut buckets = vec![Bucket::Removed(0); last];
        for Share { server, position, .. } in shares {
            buckets[server.id as usize - 1] = Bucket::Working(*position);
        }
        let mut left = last as u32;
        for bucket in buckets.iter_mut().rev() {
            if let Bucket::Removed(after) = bucket {
                left -= 1;
                *after = left;
            }
        }
        Ok(Buckets(buckets))
    }

    /// The paper's lookup: from a removed bucket on to one of those that were left, as often as
    /// that one has itself been removed before.
    fn owner(&self, key: u64) -> u32 {
        let mut bucket = jump(key, self.0.len() as u32);
        loop {
            match self.0[bucket as usize] {
                Bucket::Working(position) => return position,
                Bucket::Removed(left) => {
                    bucket = self.among(left, scale(mix(key ^ mix(bucket.into())), left));
                }
            }
        }
    }

    /// What stood in for a bucket when so many were left.
    fn among(&self, left: u32, mut bucket: u32) -> u32 {
        while let Bucket::Removed(then) = self.0[bucket as usize]
            && then >= left
        {
            bucket = then;
        }
        bucket
    }
}

#[cfg(test)]
mod tests {
    use ringwright_plugin::hash::Server;
    use ringwright_plugin::testing::hash::{
        keeps_the_contract, moves, peak, peak_of_h, servers, topology,
    };

    use super::*;

    fn without(gone: &[u32]) -> Vec<Server> {
        servers((1..=10).filter(|id| !gone.contains(id)))
    }

    #[test]
    fn it_keeps_the_contract() {
        keeps_the_contract::<MementoHash>();
    }

    #[test]
    fn it_is_even_with_gaps_and_without() {
        assert!(peak_of_h::<MementoHash>(512) < 1.1);
        assert!(peak::<MementoHash>(&without(&[]), 65_537) < 1.05);
        assert!(peak::<MementoHash>(&without(&[1, 2, 5, 7, 9]), 65_537) < 1.05);
        assert!(peak::<MementoHash>(&servers([900, 901, 999]), 65_537) < 1.05);
    }

    #[test]
    fn from_the_last_to_the_first_only_what_must_moves() {
        for (before, after) in
            [(&[][..], &[4][..]), (&[9, 4], &[9, 4, 2]), (&[], &[10]), (&[], &[9, 4])]
        {
            let moves = moves::<MementoHash>(&without(before), &without(after), 65_537);
            assert!(moves.needless == 0 && moves.moved > 0, "{before:?} {after:?} {moves:?}");
        }
        let grown = moves::<MementoHash>(&servers(1..=10), &servers(1..=11), 65_537);
        assert!(grown.needless == 0 && (0.08..0.10).contains(&grown.share()), "{grown:?}");
    }

    /// What having no memory costs.
    #[test]
    fn behind_a_gap_no_more_than_the_gaps_move_beside() {
        for after in [&[4, 9][..], &[4, 10]] {
            let moves = moves::<MementoHash>(&without(&[4]), &without(after), 65_537);
            let needless = moves.needless as f64 / moves.keys as f64;
            assert!(needless > 0.0 && needless < 0.1, "{after:?} {moves:?}");
        }
    }

    #[test]
    fn a_number_out_of_reach_is_refused() {
        let refusal = MementoHash::arrange(topology::<MementoHash>(servers([1 << 19]), 512));
        assert!(refusal.is_err_and(|e| e.contains("524288")));
    }
}
