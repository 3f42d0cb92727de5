//! The keys that functions are compared on.

use rand::distr::Distribution as _;
use rand::distr::weighted::WeightedIndex;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;

/// Of all random keys. The generator's stream is the same on every machine and in every version.
pub const SEED: u64 = 512;

/// Ids among which a Zipf distribution chooses.
const POPULATION: usize = 100_000;

/// Texts that do not change.
const TEXT: [&str; 4] = [
    include_str!("../../../LICENSE"),
    include_str!("../../../wit/types.wit"),
    include_str!("../../../wit/hash.wit"),
    include_str!("../../../wit/placement.wit"),
];

/// A kind of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Keys {
    /// From 0 on, one after the other.
    Sequential,
    /// Any 64 bits.
    Uniform,
    /// Any 64 bits, the r-th most frequent 1/r times as often as the first.
    Zipf,
    /// Eight letters of a text, as the bytes of a number, at each place of it, each once.
    Text,
}

impl Keys {
    /// All there are.
    pub const ALL: [Keys; 4] = [Keys::Sequential, Keys::Uniform, Keys::Zipf, Keys::Text];

    /// What they are called.
    pub fn name(self) -> &'static str {
        match self {
            Keys::Sequential => "sequential",
            Keys::Uniform => "uniform",
            Keys::Zipf => "Zipf",
            Keys::Text => "text",
        }
    }

    /// Whether no key comes twice.
    pub(crate) fn are_distinct(self) -> bool {
        self != Keys::Zipf
    }

    /// So many of them; of a text all there are.
    pub(crate) fn draw(self, count: usize) -> Vec<u64> {
        let mut random = ChaCha8Rng::seed_from_u64(SEED);
        match self {
            Keys::Sequential => (0..).take(count).collect(),
            Keys::Uniform => random.random_iter().take(count).collect(),
            Keys::Zipf => {
                let ids: Vec<u64> = (&mut random).random_iter().take(POPULATION).collect();
                let ranks = WeightedIndex::new((1..=POPULATION).map(|r| 1.0 / r as f64));
                // Weights that are positive and few make a distribution.
                ranks.map_or_else(
                    |_| Vec::new(),
                    |ranks| ranks.sample_iter(random).take(count).map(|rank| ids[rank]).collect(),
                )
            }
            Keys::Text => {
                let mut keys: Vec<u64> = TEXT.iter().flat_map(|text| windows(text)).collect();
                keys.sort_unstable();
                keys.dedup();
                keys
            }
        }
    }
}

/// Eight bytes at each place of a text.
fn windows(text: &str) -> impl Iterator<Item = u64> {
    let eight = |w: &[u8]| w.first_chunk().copied().map(u64::from_be_bytes);
    text.as_bytes().windows(8).filter_map(eight)
}

/// The paper's requests: any of the six-digit ids.
pub fn six_digits(count: usize, seed: u64) -> Vec<u64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| random.random_range(100_000..=999_999)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn keys_are_the_same_each_time() {
        for keys in Keys::ALL {
            assert_eq!(keys.draw(1_000), keys.draw(1_000), "{keys:?}");
        }
        assert_eq!(six_digits(3, SEED), [641_732, 440_872, 859_268]);
        assert_eq!(Keys::Uniform.draw(1), [11_103_561_805_098_258_644]);
    }

    #[test]
    fn keys_are_what_they_are_called() {
        assert_eq!(Keys::Sequential.draw(4), [0, 1, 2, 3]);
        assert!(six_digits(10_000, SEED).iter().all(|id| (100_000..1_000_000).contains(id)));
        assert_eq!(windows("abcdefghi").next(), Some(0x6162_6364_6566_6768));
        for keys in [Keys::Uniform, Keys::Text] {
            let mut drawn = keys.draw(100_000);
            let all = drawn.len();
            assert!(all > 10_000, "{keys:?}: only {all}");
            drawn.sort_unstable();
            drawn.dedup();
            assert_eq!(drawn.len(), all, "{keys:?} come once");
        }
    }

    #[test]
    fn the_second_of_zipf_comes_half_as_often() {
        let mut counts = HashMap::new();
        for key in Keys::Zipf.draw(200_000) {
            *counts.entry(key).or_insert(0_u32) += 1;
        }
        let mut counts: Vec<f64> = counts.into_values().map(f64::from).collect();
        counts.sort_by(|a, b| b.total_cmp(a));
        // The harmonic number of 100,000 is 12.1.
        assert!((counts[0] / 200_000.0 - 1.0 / 12.1).abs() < 0.003, "{}", counts[0]);
        assert!((counts[0] / counts[1] - 2.0).abs() < 0.1, "{:?}", &counts[..3]);
    }
}
