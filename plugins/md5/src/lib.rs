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

pub use bindings::exports::ringwright::plugin::hash::{Description, Guest, Layout, Point, Server};

/// The plugin.
pub struct Md5Hash;

impl Guest for Md5Hash {
    fn describe() -> Description {
        Description {
            name: "md5".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "MD5 with virtual nodes".into(),
            source: "The paper, experiment A-4".into(),
        }
    }

    fn slot(request: u64, slots: u32) -> u32 {
        h(request, slots)
    }

    fn slots(requests: Vec<u64>, slots: u32) -> Vec<u32> {
        requests.into_iter().map(|i| h(i, slots)).collect()
    }

    fn arrange(servers: Vec<Server>, replicas: u32, slots: u32) -> Result<Layout, String> {
        if slots == 0 {
            return Err("a ring needs slots".into());
        }
        if servers.len() as u64 * u64::from(replicas) > u64::from(slots) {
            return Err(format!(
                "{} servers of {replicas} virtual nodes do not fit on {slots} slots",
                servers.len()
            ));
        }
        let points = (0..).zip(&servers).flat_map(|(server, s)| {
            (1..=replicas).map(move |j| Point { slot: phi(s.id, j, slots), server, replica: j })
        });
        Ok(Layout::Ring(points.collect()))
    }
}

/// H.
fn h(request: u64, slots: u32) -> u32 {
    reduce(&request.to_string(), slots)
}

/// Φ.
fn phi(server: u32, replica: u32, slots: u32) -> u32 {
    reduce(&format!("{server}-{replica}"), slots)
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

    fn layout(servers: u32) -> Layout {
        let server = |id| Server { id, name: format!("Server{id}"), weight: 1, labels: Vec::new() };
        Md5Hash::arrange((1..=servers).map(server).collect(), 9, 512).unwrap()
    }

    /// How 10,000 requests fall, of 90,000 six-digit ids spread evenly.
    fn shares(servers: u32) -> Vec<f64> {
        let Layout::Ring(points) = layout(servers) else { unreachable!() };
        let points = points.into_iter().map(|p| ringwright_ring::Point {
            slot: p.slot,
            server: p.server,
            replica: p.replica,
        });
        let layout = ringwright_ring::Layout::Ring(points.collect());
        let table = Table::build(layout, servers as usize, 512).unwrap();
        let mut counts = vec![0_u32; servers as usize];
        for id in (100_000..=999_999).step_by(10) {
            counts[table.owner(h(id, 512)).unwrap()] += 1;
        }
        counts.into_iter().map(|n| f64::from(n) / 9.0).collect()
    }

    #[test]
    fn the_papers_plots_come_out() {
        for golden in
            [&[2400.0, 2750.0, 4840.0][..], &[1650.0, 2530.0, 750.0, 1465.0, 2530.0, 1075.0]]
        {
            let got = shares(golden.len() as u32);
            for (g, s) in golden.iter().zip(&got) {
                assert!((g - s).abs() < 100.0, "the plots say {golden:?}, this gives {got:?}");
            }
        }
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
        assert!(Md5Hash::arrange(Vec::new(), 9, 0).is_err());
        let server = Server { id: 1, name: "a".into(), weight: 1, labels: Vec::new() };
        assert!(Md5Hash::arrange(vec![server], 513, 512).is_err());
    }
}
