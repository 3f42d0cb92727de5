//! What the paper's text says of MD5: the digest of the request's id, modulo the number of
//! servers. Its code and plots are an MD5 ring instead, which is the plugin `md5`.
//!
//! H does not know the servers: it is the digest, taken whole, mod the number of slots, and the
//! table is the slot mod the number of servers. Where that number divides the slots, this is the
//! text's function exactly; else the first servers own one slot more than the others.
//!
//! It shows what consistent hashing is for: one server more or less moves nearly every request.

use ringwright_plugin::HashFunction;
use ringwright_plugin::digest::digest_mod;
use ringwright_plugin::hash::{Description, Layout, Topology, Traits, table};

/// The plugin.
pub struct Md5Mod;

impl HashFunction for Md5Mod {
    fn describe() -> Description {
        Description {
            name: "md5-mod".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "MD5 modulo the number of servers: even, but any change moves nearly all"
                .into(),
            reference: "The paper, the text of experiment A-4".into(),
            settings: Vec::new(),
        }
    }

    fn declare() -> Traits {
        Traits { weighted: false, virtual_nodes: false, tail_only: false, max_servers: None }
    }

    fn slot(request: u64, slots: u32) -> u32 {
        digest_mod(&request.to_string(), slots)
    }

    fn arrange(topology: Topology) -> Result<Layout, String> {
        table(&topology, |shares| {
            let owners = shares.iter().map(|share| share.position).cycle();
            Ok(owners.take(topology.slots as usize).collect())
        })
    }
}

ringwright_plugin::export_hash!(Md5Mod);

#[cfg(test)]
mod tests {
    use ringwright_plugin::testing::hash::{keeps_the_contract, moves, owners, peak, servers};

    use super::*;

    #[test]
    fn it_keeps_the_contract() {
        keeps_the_contract::<Md5Mod>();
    }

    /// MD5("1") = c4ca4238a0b923820dcc509a6f75849b, MD5("2") = c81e728d9d4c2f636f067f89cc14862c.
    #[test]
    fn where_the_servers_divide_the_slots_it_is_the_texts() {
        let digests =
            [0xc4ca_4238_a0b9_2382_0dcc_509a_6f75_849b, 0xc81e_728d_9d4c_2f63_6f06_7f89_cc14_862c];
        for (count, slots) in [(3_u32, 513), (4, 512), (7, 65_534)] {
            let owners = owners::<Md5Mod>(&servers(0..count), slots);
            for (request, digest) in (1..).zip(digests) {
                let owner = owners[Md5Mod::slot(request, slots) as usize];
                assert_eq!(u128::from(owner), digest % u128::from(count));
            }
        }
    }

    #[test]
    fn else_it_is_nearly() {
        assert!(peak::<Md5Mod>(&servers(1..=10), 512) <= 52.0 / 51.2);
    }

    #[test]
    fn a_server_more_moves_nearly_all() {
        let moves = moves::<Md5Mod>(&servers(1..=10), &servers(1..=11), 65_537);
        assert!((0.90..0.92).contains(&moves.share())); // 10 of 11
    }
}
