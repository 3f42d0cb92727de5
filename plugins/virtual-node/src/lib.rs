//! The paper's hash function with virtual nodes: H(i) = i² + 2i + 17 and
//! Φ(i, j) = i² + j² + 2j + 25, both mod the number of slots.
//!
//! The paper's text counts from 0, but its plots come from counting servers and virtual nodes
//! from 1: only so do three servers get about 8,360, 480 and 1,160 of 10,000 requests. This
//! counts as the plots do: i is the server's number, j goes from 1 to the number of
//! virtual nodes.

use ringwright_plugin::HashFunction;
use ringwright_plugin::hash::{Description, Layout, Topology, Traits, ring};

/// The plugin.
pub struct VirtualNode;

impl HashFunction for VirtualNode {
    fn describe() -> Description {
        Description {
            name: "virtual-node".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Quadratic hashing with virtual nodes".into(),
            reference: "The paper, section 2.1, with virtual servers".into(),
            settings: Vec::new(),
        }
    }

    fn declare() -> Traits {
        Traits { weighted: false, virtual_nodes: true, tail_only: false, max_servers: None }
    }

    fn slot(request: u64, slots: u32) -> u32 {
        h(request, slots)
    }

    fn arrange(topology: Topology) -> Result<Layout, String> {
        ring(&topology, topology.virtual_nodes, |server, j| phi(server.id, j, topology.slots))
    }
}

ringwright_plugin::export_hash!(VirtualNode);

/// H. With i below 2³² - 1 nothing overflows: i² + 2i + 17 is (i + 1)² + 16.
fn h(request: u64, slots: u32) -> u32 {
    let i = request % u64::from(slots);
    ((i * i + 2 * i + 17) % u64::from(slots)) as u32
}

/// Φ.
fn phi(server: u32, node: u32, slots: u32) -> u32 {
    let (i, j) = (u128::from(server), u128::from(node));
    ((i * i + j * j + 2 * j + 25) % u128::from(slots)) as u32
}

#[cfg(test)]
mod tests {
    use ringwright_plugin::testing::hash::{points, servers, shares, topology};

    use super::*;

    /// What the paper's plots are samples of.
    #[test]
    fn the_papers_plots_come_out() {
        assert_eq!(shares::<VirtualNode>(3), [8359, 469, 1172]);
        assert_eq!(shares::<VirtualNode>(6), [7266, 469, 938, 391, 547, 391]);
    }

    #[test]
    fn phi_is_the_papers() {
        assert_eq!(phi(1, 1, 512), 29); // 1 + 1 + 2 + 25
        assert_eq!(phi(3, 9, 512), 133); // 9 + 81 + 18 + 25
        assert_eq!(phi(20, 9, 512), 12); // 400 + 81 + 18 + 25 = 512 + 12
    }

    #[test]
    fn points_come_server_by_server() {
        let topology =
            Topology { virtual_nodes: 3, ..topology::<VirtualNode>(servers(1..=2), 512) };
        let told: Vec<_> = points::<VirtualNode>(topology)
            .iter()
            .map(|p| (p.slot, p.server, p.virtual_node))
            .collect();
        assert_eq!(told, [(29, 0, 1), (34, 0, 2), (41, 0, 3), (32, 1, 1), (37, 1, 2), (44, 1, 3)]);
    }

    #[test]
    fn large_numbers_are_reduced_exactly() {
        let i = u128::from(u32::MAX);
        for slots in [1, 512, 65_537, u32::MAX] {
            let m = u128::from(slots);
            assert_eq!(u128::from(phi(u32::MAX, u32::MAX, slots)), (2 * i * i + 2 * i + 25) % m);
            let r = u128::from(u64::MAX) % m;
            assert_eq!(u128::from(h(u64::MAX, slots)), (r * r + 2 * r + 17) % m);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(VirtualNode::arrange(topology::<VirtualNode>(Vec::new(), 0)).is_err());
        assert!(VirtualNode::arrange(topology::<VirtualNode>(servers(1..=57), 512)).is_err());
    }
}
