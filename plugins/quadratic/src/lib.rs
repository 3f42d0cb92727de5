//! The paper's hash function without virtual nodes: H(i) = i² + 2i + 17, Φ(i) = i² + 25, both
//! mod the number of slots, where Φ's i is the server's number.

use ringwright_plugin::HashFunction;
use ringwright_plugin::hash::{Description, Layout, Topology, Traits, ring};

/// The plugin.
pub struct Quadratic;

impl HashFunction for Quadratic {
    fn describe() -> Description {
        Description {
            name: "quadratic".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Quadratic hashing, one point a server".into(),
            reference: "The paper, section 2.1, without virtual servers".into(),
            settings: Vec::new(),
        }
    }

    fn declare() -> Traits {
        Traits { weighted: false, virtual_nodes: false, tail_only: false, max_servers: None }
    }

    fn slot(request: u64, slots: u32) -> u32 {
        h(request, slots)
    }

    fn arrange(topology: Topology) -> Result<Layout, String> {
        ring(&topology, 1, |server, _| phi(server.id, topology.slots))
    }
}

ringwright_plugin::export_hash!(Quadratic);

/// H. With i below 2³² - 1 nothing overflows: i² + 2i + 17 is (i + 1)² + 16.
fn h(request: u64, slots: u32) -> u32 {
    let i = request % u64::from(slots);
    ((i * i + 2 * i + 17) % u64::from(slots)) as u32
}

/// Φ.
fn phi(server: u32, slots: u32) -> u32 {
    let i = u64::from(server % slots);
    ((i * i + 25) % u64::from(slots)) as u32
}

#[cfg(test)]
mod tests {
    use ringwright_plugin::testing::hash::{points, servers, shares, topology};

    use super::*;

    #[test]
    fn h_is_the_papers() {
        assert_eq!(h(0, 512), 17);
        assert_eq!(h(1, 512), 20);
        assert_eq!(h(100_000, 512), 337); // 10 000 200 017 = 512 · 19 531 640 + 337
    }

    #[test]
    fn large_ids_are_reduced_exactly() {
        for slots in [1, 2, 512, 65_537, u32::MAX] {
            for i in [u64::MAX, u64::MAX - 1, u64::from(u32::MAX), u64::from(u32::MAX) - 1] {
                let m = u128::from(slots);
                let r = u128::from(i) % m;
                assert_eq!(u128::from(h(i, slots)), (r * r + 2 * r + 17) % m, "H({i}) mod {slots}");
            }
            let (r, m) = (u128::from(u32::MAX), u128::from(slots));
            assert_eq!(u128::from(phi(u32::MAX, slots)), (r * r + 25) % m);
        }
    }

    #[test]
    fn a_server_has_one_point() {
        let topology = topology::<Quadratic>(servers([1, 20]), 512);
        let told: Vec<_> = points::<Quadratic>(topology)
            .iter()
            .map(|p| (p.slot, p.server, p.virtual_node))
            .collect();
        assert_eq!(told, [(26, 0, 1), (425, 1, 1)]);
    }

    /// Without virtual nodes one of three servers gets nearly all, and one nothing.
    #[test]
    fn the_papers_problem_comes_out() {
        assert_eq!(shares::<Quadratic>(3), [9609, 0, 391]);
    }

    #[test]
    fn many_at_once_are_as_one_by_one() {
        let ids: Vec<u64> = (0..1000).map(|i| i * 7_919).collect();
        let each: Vec<u32> = ids.iter().map(|&i| Quadratic::slot(i, 512)).collect();
        assert_eq!(Quadratic::slots(ids, 512), each);
    }

    #[test]
    fn no_slots_is_an_error_not_a_fault() {
        assert!(Quadratic::arrange(topology::<Quadratic>(servers([1]), 0)).is_err());
    }
}
