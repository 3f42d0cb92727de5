//! MD5 in place of the paper's quadratic functions: H(i) is the digest of i in decimal, Φ(i, j)
//! that of "i-j", each digest taken whole, as a big-endian number, mod the number of slots.
//!
//! Servers and virtual nodes count from 1, as in the paper's plots.

mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "hash-plugin" });
    #[cfg(target_arch = "wasm32")]
    export!(Md5Hash with_types_in self);
    #[cfg(target_arch = "wasm32")]
    use super::Md5Hash;
}

use ::md5::{Digest as _, Md5};

pub use bindings::exports::ringwright::plugin::hash::{
    Description, Guest, Layout, Point, Server, Topology, Traits,
};

/// The plugin.
pub struct Md5Hash;

impl Guest for Md5Hash {
    fn describe() -> Description {
        Description {
            name: "md5".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "MD5 with virtual nodes".into(),
            reference: "The paper, experiment A-4".into(),
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

/// H.
fn h(request: u64, slots: u32) -> u32 {
    reduce(&request.to_string(), slots)
}

/// Φ.
fn phi(server: u32, node: u32, slots: u32) -> u32 {
    reduce(&format!("{server}-{node}"), slots)
}

/// The text's digest mod `slots`, 32 bits at a time: wasm has no 128-bit division.
fn reduce(text: &str, slots: u32) -> u32 {
    let words = Md5::digest(text);
    let (words, _) = words.as_chunks::<4>();
    let fold = |rest: u64, word: &[u8; 4]| {
        ((rest << 32) | u64::from(u32::from_be_bytes(*word))) % u64::from(slots)
    };
    words.iter().fold(0, fold) as u32
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
        match Md5Hash::arrange(topology(servers, virtual_nodes, slots)).unwrap() {
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
        assert_eq!(shares(3), [2344, 2772, 4884]);
        assert_eq!(shares(6), [1620, 2536, 746, 1422, 2606, 1070]);
    }

    #[test]
    fn the_digest_is_taken_whole() {
        // MD5("1") = c4ca4238a0b923820dcc509a6f75849b
        let digest = 0xc4ca_4238_a0b9_2382_0dcc_509a_6f75_849b_u128;
        for slots in [1, 512, 65_537, u32::MAX] {
            assert_eq!(u128::from(h(1, slots)), digest % u128::from(slots));
        }
    }

    #[test]
    fn phi_hashes_both_numbers() {
        assert_eq!(phi(1, 1, 512), 449); // MD5("1-1") ends in 5bc1; 0x1c1 = 449
        assert_eq!([phi(1, 12, 512), phi(11, 2, 512)], [29, 192]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(Md5Hash::arrange(topology(0, 9, 0)).is_err());
        assert!(Md5Hash::arrange(topology(1, 513, 512)).is_err());
    }
}
