//! Jump consistent hash: a slot's key is followed through the numbers of servers at which it would
//! move, to the last that is not beyond the number there is. No memory, and as even as can be.
//!
//! Servers are buckets by their position in the list: one more or less at its end moves only what
//! must, but one that goes from the middle renumbers all behind it.

use ringwright_plugin::HashFunction;
use ringwright_plugin::hash::{Description, Layout, Topology, Traits, table};
use ringwright_plugin::jump::jump;
use ringwright_plugin::mix::{mix, scale};

/// The plugin.
pub struct Jump;

impl HashFunction for Jump {
    fn describe() -> Description {
        Description {
            name: "jump".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Jump consistent hash: even and without memory, but only the last can leave"
                .into(),
            reference: "Lamping and Veach 2014, https://arxiv.org/abs/1406.2294".into(),
            settings: Vec::new(),
        }
    }

    fn declare() -> Traits {
        Traits { weighted: false, virtual_nodes: false, tail_only: true, max_servers: None }
    }

    fn slot(request: u64, slots: u32) -> u32 {
        scale(mix(request), slots)
    }

    fn arrange(topology: Topology) -> Result<Layout, String> {
        table(&topology, |shares| {
            let owner = |slot| shares[jump(mix(slot), shares.len() as u32) as usize].position;
            Ok((0..u64::from(topology.slots)).map(owner).collect())
        })
    }
}

ringwright_plugin::export_hash!(Jump);

#[cfg(test)]
mod tests {
    use ringwright_plugin::testing::hash::{keeps_the_contract, moves, peak, peak_of_h, servers};

    use super::*;

    #[test]
    fn it_keeps_the_contract() {
        keeps_the_contract::<Jump>();
    }

    #[test]
    fn it_is_even() {
        assert!(peak_of_h::<Jump>(512) < 1.1);
        assert!(peak::<Jump>(&servers(1..=10), 65_537) < 1.05);
    }

    #[test]
    fn at_the_end_only_what_must_moves() {
        let grown = moves::<Jump>(&servers(1..=10), &servers(1..=11), 65_537);
        assert!(grown.needless == 0 && (0.08..0.10).contains(&grown.share()), "{grown:?}");
    }

    #[test]
    fn in_the_middle_much_more_does() {
        let shrunk = servers((1..=10).filter(|id| *id != 4));
        assert!(moves::<Jump>(&servers(1..=10), &shrunk, 65_537).share() > 0.5);
    }
}
