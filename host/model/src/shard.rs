//! Shards, and which of them a key lives on.

use serde::{Deserialize, Serialize};

use crate::{Key, Term};

/// How keys are dealt to shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sharding {
    /// Each shard holds the keys from its low end, `size` of them.
    #[default]
    Range,
    /// A key lives on shard number `key mod count`, in the order `/init` gave the shards.
    Modulo,
}

/// A row of ShardT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Its name.
    pub id: String,
    /// Lowest key (range sharding).
    pub low: Key,
    /// Number of keys (range sharding).
    pub size: u64,
    /// VAT: the term up to which the shard is committed.
    pub valid_at: Term,
}

impl Shard {
    /// Highest key that belongs to the shard (range sharding).
    pub fn high(&self) -> Key {
        self.low.saturating_add_unsigned(self.size.saturating_sub(1))
    }
}

/// The position, in `shards`, of the shard that `key` lives on.
pub fn route(sharding: Sharding, shards: &[Shard], key: Key) -> Option<usize> {
    match sharding {
        Sharding::Range => shards.iter().position(|s| s.low <= key && key <= s.high()),
        Sharding::Modulo => {
            let count = u64::try_from(shards.len()).ok().filter(|n| *n > 0)?;
            usize::try_from(key.unsigned_abs() % count).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shards() -> Vec<Shard> {
        let shard = |id: &str, low| Shard { id: id.into(), low, size: 4096, valid_at: 0 };
        vec![shard("sh1", 0), shard("sh2", 4096), shard("sh3", 8192)]
    }

    #[test]
    fn a_range_holds_both_its_ends() {
        let s = shards();
        assert_eq!(s[0].high(), 4095);
        for (key, at) in
            [(0, Some(0)), (4095, Some(0)), (4096, Some(1)), (12287, Some(2)), (12288, None)]
        {
            assert_eq!(route(Sharding::Range, &s, key), at, "{key}");
        }
    }

    #[test]
    fn modulo_goes_by_order() {
        assert_eq!(route(Sharding::Modulo, &shards(), 14), Some(2));
        assert_eq!(route(Sharding::Modulo, &[], 14), None);
    }
}
