//! MD5 in place of the paper's quadratic functions: H(i) is the digest of i in decimal, Φ(i, j)
//! that of "i-j", each digest taken whole, as a big-endian number, mod the number of slots.
//!
//! Servers and virtual nodes count from 1, as in the paper's plots.

use ringwright_plugin::HashFunction;
use ringwright_plugin::digest::digest_mod;
use ringwright_plugin::hash::{Description, Layout, Topology, Traits, ring};

/// The plugin.
pub struct Md5Hash;

impl HashFunction for Md5Hash {
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
        digest_mod(&request.to_string(), slots)
    }

    fn arrange(topology: Topology) -> Result<Layout, String> {
        ring(&topology, topology.virtual_nodes, |server, j| phi(server.id, j, topology.slots))
    }
}

ringwright_plugin::export_hash!(Md5Hash);

/// Φ.
fn phi(server: u32, node: u32, slots: u32) -> u32 {
    digest_mod(&format!("{server}-{node}"), slots)
}

#[cfg(test)]
mod tests {
    use ringwright_plugin::testing::hash::{servers, shares, topology};

    use super::*;

    /// What the paper's plots are samples of.
    #[test]
    fn the_papers_plots_come_out() {
        assert_eq!(shares::<Md5Hash>(3), [2344, 2772, 4884]);
        assert_eq!(shares::<Md5Hash>(6), [1620, 2536, 746, 1422, 2606, 1070]);
    }

    #[test]
    fn h_is_the_digest_of_the_decimal_id() {
        assert_eq!(Md5Hash::slot(1, 512), 0x9b); // MD5("1") ends in 849b; 0x09b is what 9 bits hold
    }

    #[test]
    fn phi_hashes_both_numbers() {
        assert_eq!(phi(1, 1, 512), 449); // MD5("1-1") ends in 5bc1; 0x1c1 = 449
        assert_eq!([phi(1, 12, 512), phi(11, 2, 512)], [29, 192]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(Md5Hash::arrange(topology::<Md5Hash>(Vec::new(), 0)).is_err());
        assert!(Md5Hash::arrange(topology::<Md5Hash>(servers(1..=57), 512)).is_err());
    }
}
