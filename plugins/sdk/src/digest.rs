//! MD5, as several functions take it.

use md5::{Digest as _, Md5};

/// The digest of a text.
pub fn digest(text: &str) -> [u8; 16] {
    Md5::digest(text).into()
}

/// The digest taken whole, as a big-endian number, mod `slots`: 32 bits at a time, as wasm has no
/// 128-bit division.
pub fn digest_mod(text: &str, slots: u32) -> u32 {
    let digest = digest(text);
    let (words, _) = digest.as_chunks::<4>();
    let fold = |rest: u64, word: &[u8; 4]| {
        ((rest << 32) | u64::from(u32::from_be_bytes(*word))) % u64::from(slots)
    };
    words.iter().fold(0, fold) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_taken_whole() {
        // MD5("1") = c4ca4238a0b923820dcc509a6f75849b
        let digest = 0xc4ca_4238_a0b9_2382_0dcc_509a_6f75_849b_u128;
        for slots in [1, 512, 65_537, u32::MAX] {
            assert_eq!(u128::from(digest_mod("1", slots)), digest % u128::from(slots));
        }
    }
}
