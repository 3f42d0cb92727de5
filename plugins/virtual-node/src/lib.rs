//! The paper's hash function with virtual nodes: H(i) = i² + 2i + 17 and
//! Φ(i, j) = i² + j² + 2j + 25, both mod the number of slots.
//!
//! The paper's text counts from 0, but its plots come from counting servers and virtual nodes
//! from 1: only so do three servers get about 8,360, 480 and 1,160 of 10,000 requests. This
//! counts as the plots do: i is the server's number, j goes from 1 to the number of
//! virtual nodes.

mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "hash-plugin" });
    #[cfg(target_arch = "wasm32")]
    export!(VirtualNode with_types_in self);
    #[cfg(target_arch = "wasm32")]
    use super::VirtualNode;
}

pub use bindings::exports::ringwright::plugin::hash::{
    Description, Guest, Layout, Point, Server, Topology, Traits,
};

/// The plugin.
pub struct VirtualNode;

impl Guest for VirtualNode {
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

    fn slots(requests: Vec<u64>, slots: u32) -> Vec<u32> {
        requests.into_iter().map(|i| h(i, slots)).collect()
    }

    fn arrange(topology: Topology) -> Result<Layout, String> {
        let Topology { servers, virtual_nodes, slots, .. } = topology;
        if slots == 0 {
            return Err("a ring needs slots".into());
        }
        if servers.len() as u64 * u64::from(virtual_nodes) > u64::from(slots) {
            return Err(format!(
                "{} servers of {virtual_nodes} virtual nodes do not fit on {slots} slots",
                servers.len()
            ));
        }
        let points = (0..).zip(&servers).flat_map(|(server, s)| {
            let point = move |j| Point { slot: phi(s.id, j, slots), server, virtual_node: j };
            (1..=virtual_nodes).map(point)
        });
        Ok(Layout::Ring(points.collect()))
    }
}

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
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;
    use ringwright_ring::Table;

    fn topology(servers: u32, virtual_nodes: u32, slots: u32) -> Topology {
        let server = |id| Server { id, name: format!("Server{id}"), weight: 1, labels: Vec::new() };
        let servers = (1..=servers).map(server).collect();
        Topology { servers, virtual_nodes, slots, settings: Vec::new() }
    }

    fn points(servers: u32, virtual_nodes: u32, slots: u32) -> Vec<Point> {
        match VirtualNode::arrange(topology(servers, virtual_nodes, slots)).unwrap() {
            Layout::Ring(points) => points,
            Layout::Table(_) => unreachable!(),
        }
    }

    /// How 10,000 requests fall if every six-digit id comes equally often.
    fn shares(servers: u32) -> Vec<u32> {
        let points = points(servers, 9, 512).into_iter().map(|p| ringwright_ring::Point {
            slot: p.slot,
            server: p.server,
            virtual_node: p.virtual_node,
        });
        let layout = ringwright_ring::Layout::Ring(points.collect());
        let table = Table::build(layout, servers as usize, 512).unwrap();
        let mut counts = vec![0_u32; servers as usize];
        for id in 100_000..=999_999 {
            counts[table.owner(h(id, 512)).unwrap()] += 1;
        }
        counts.into_iter().map(|n| (n + 45) / 90).collect()
    }

    /// What the paper's plots are samples of.
    #[test]
    fn the_papers_plots_come_out() {
        assert_eq!(shares(3), [8359, 469, 1172]);
        assert_eq!(shares(6), [7266, 469, 938, 391, 547, 391]);
    }

    #[test]
    fn phi_is_the_papers() {
        assert_eq!(phi(1, 1, 512), 29); // 1 + 1 + 2 + 25
        assert_eq!(phi(3, 9, 512), 133); // 9 + 81 + 18 + 25
        assert_eq!(phi(20, 9, 512), 12); // 400 + 81 + 18 + 25 = 512 + 12
    }

    #[test]
    fn points_come_server_by_server() {
        let told: Vec<_> =
            points(2, 3, 512).iter().map(|p| (p.slot, p.server, p.virtual_node)).collect();
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
        assert!(VirtualNode::arrange(topology(0, 9, 0)).is_err());
        assert!(VirtualNode::arrange(topology(1, 513, 512)).is_err());
    }
}
