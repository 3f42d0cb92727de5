//! What chance alone does: the scale for everybody's balance.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::spread::spread;
use crate::{ChanceSpread, Keys};

/// How evenly keys fall where each goes to a server by a hash of the host's, whatever the slots.
pub(crate) fn chance(servers: u32, keys: Keys, drawn: &[u64]) -> Option<ChanceSpread> {
    let mut loads = vec![0; servers as usize];
    for key in drawn {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        loads[(hasher.finish() % u64::from(servers)) as usize] += 1;
    }
    let spread = spread(&loads, keys).ok()?;
    Some(ChanceSpread { servers, keys, spread })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn chance_is_fair() {
        for keys in [Keys::Sequential, Keys::Uniform, Keys::Text] {
            let spread = chance(10, keys, &keys.draw(10_000)).unwrap().spread;
            assert!((1.0..1.1).contains(&spread.peak_to_mean), "{keys:?}: {spread:?}");
            assert!(*spread.p_value.known().unwrap() > 0.001, "{keys:?}: {spread:?}");
        }
    }

    #[test]
    fn chance_cannot_divide_one_key() {
        let zipf = chance(1_000, Keys::Zipf, &Keys::Zipf.draw(100_000)).unwrap();
        assert!(zipf.spread.peak_to_mean > 50.0, "its first key alone is a twelfth");
    }
}
