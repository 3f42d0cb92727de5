//! A ring by XXH3, with as many virtual nodes as one sets. H is the 64-bit hash of the id's eight
//! bytes, scaled onto the slots; the points are those of the server's number and the virtual
//! node's, four bytes each.
//!
//! It answers a table and not a ring: 100 servers of 100 virtual nodes have more points than many
//! a ring has slots, and probing would put them where their hash did not.

use ringwright_plugin::HashFunction;
use ringwright_plugin::continuum::Continuum;
use ringwright_plugin::hash::{Description, Layout, Setting, Topology, Traits, table};
use ringwright_plugin::mix::scale;
use ringwright_plugin::settings::number;
use twox_hash::XxHash3_64;

/// More take too long.
const MOST_POINTS: u64 = 1 << 22;

/// The plugin.
pub struct Xxh3Ring;

impl HashFunction for Xxh3Ring {
    fn describe() -> Description {
        Description {
            name: "xxh3-ring".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "A fine ring by XXH3-64, with virtual nodes by weight".into(),
            reference: "Karger et al. 1997; Collet, XXH3, https://xxhash.com".into(),
            settings: vec![Setting {
                name: "virtual-nodes".into(),
                summary: "Virtual nodes of a server of weight 1, from 1; 0: as many as the host \
                          says"
                    .into(),
                default: "0".into(),
            }],
        }
    }

    fn declare() -> Traits {
        Traits { weighted: true, virtual_nodes: true, tail_only: false, max_servers: None }
    }

    fn slot(request: u64, slots: u32) -> u32 {
        scale(XxHash3_64::oneshot(&request.to_le_bytes()), slots)
    }

    fn arrange(topology: Topology) -> Result<Layout, String> {
        let each = match number(&topology.settings, "virtual-nodes", 0..=u32::MAX)? {
            0 => topology.virtual_nodes,
            set => set,
        };
        table(&topology, |shares| {
            let nodes = |weight| u64::from(each) * u64::from(weight);
            let all = shares.iter().map(|s| nodes(s.weight)).fold(0, u64::saturating_add);
            if all > MOST_POINTS {
                return Err(format!("{all} virtual nodes in all: at most {MOST_POINTS}"));
            }
            let mut continuum = Continuum::new(topology.slots);
            for share in shares {
                for j in 1..=nodes(share.weight) as u32 {
                    continuum.add(point(share.server.id, j), share.position);
                }
            }
            Ok(continuum.owners())
        })
    }
}

ringwright_plugin::export_hash!(Xxh3Ring);

fn point(server: u32, node: u32) -> u64 {
    let both = u64::from(server) | u64::from(node) << 32;
    XxHash3_64::oneshot(&both.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use ringwright_plugin::testing::hash::{
        keeps_the_contract, moves, owned, peak, peak_of_h, servers, set, topology, weighted,
    };

    use super::*;

    #[test]
    fn it_keeps_the_contract() {
        keeps_the_contract::<Xxh3Ring>();
    }

    #[test]
    fn h_is_even() {
        assert!(peak_of_h::<Xxh3Ring>(512) < 1.1);
    }

    #[test]
    fn virtual_nodes_are_the_hosts_unless_set() {
        let arrange = |host, set_to: &str| {
            let mut topology = topology::<Xxh3Ring>(servers(1..=5), 512);
            topology.virtual_nodes = host;
            set(&mut topology.settings, "virtual-nodes", set_to);
            match Xxh3Ring::arrange(topology) {
                Ok(Layout::Table(owners)) => Ok(owners),
                Ok(Layout::Ring(_)) => Err("a ring".into()),
                Err(e) => Err(e),
            }
        };
        assert_ne!(arrange(9, "0"), arrange(20, "0"));
        assert_eq!(arrange(9, "20"), arrange(20, "0"));
        assert!(arrange(9, "many").is_err_and(|e| e.contains("virtual-nodes")));
        assert!(arrange(9, "1000000").is_err_and(|e| e.contains("5000000")));
    }

    #[test]
    fn more_virtual_nodes_balance_better() {
        let peak = |each: u32| {
            let weights = vec![each; 10]; // a weight is as many virtual nodes
            peak::<Xxh3Ring>(&weighted(&weights), 65_537)
        };
        assert!(peak(100) < 1.1, "{}", peak(100));
        assert!(peak(1) > peak(100));
    }

    #[test]
    fn weights_are_heeded() {
        let owned = owned::<Xxh3Ring>(&weighted(&[100, 300]), 65_537);
        assert!((2.7..3.3).contains(&(owned[1] as f64 / owned[0] as f64)), "{owned:?}");
    }

    #[test]
    fn only_what_must_moves() {
        let grown = moves::<Xxh3Ring>(&servers(1..=10), &servers(1..=11), 65_537);
        assert!(grown.needless == 0 && grown.moved > 0, "{grown:?}");
        let shrunk = servers((1..=10).filter(|id| *id != 4));
        assert_eq!(moves::<Xxh3Ring>(&servers(1..=10), &shrunk, 65_537).needless, 0);
    }
}
