//! Numbers that look random, of numbers that do not.

/// A step of SplitMix64 (Steele, Lea and Flood 2014): each bit of the answer depends on all of
/// `x`, and no two numbers have one answer.
pub const fn mix(x: u64) -> u64 {
    let z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The mix of two numbers, in that order.
pub const fn mix_pair(a: u32, b: u32) -> u64 {
    mix(((a as u64) << 32) | b as u64)
}

/// A hash scaled onto the slots: in order, and without the division of a remainder.
///
/// 32 bits are enough for so few slots, and their product needs no more than wasm has.
pub const fn scale(hash: u64, slots: u32) -> u32 {
    (((hash >> 32) * slots as u64) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs of the original for these seeds.
    #[test]
    fn it_is_splitmix() {
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix(1_234_567), 6_457_827_717_110_365_317);
    }

    #[test]
    fn scaling_reaches_both_ends() {
        for slots in [1, 2, 512, 65_537, u32::MAX] {
            assert_eq!((scale(0, slots), scale(u64::MAX, slots)), (0, slots - 1));
        }
        assert_eq!(scale(1 << 63, 512), 256);
    }
}
