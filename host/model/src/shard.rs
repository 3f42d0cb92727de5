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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_both_its_ends() {
        let shard = |low, size| Shard { id: "sh1".into(), low, size, valid_at: 0 };
        assert_eq!(shard(0, 4096).high(), 4095);
        assert_eq!(shard(4096, 1).high(), 4096);
        assert_eq!(shard(Key::MAX, u64::MAX).high(), Key::MAX);
    }
}
