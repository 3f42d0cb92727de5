//! Jump consistent hash (Lamping and Veach 2014), which others build on.

/// The bucket of a key, below `buckets`; 0 where there are none.
///
/// From one number of buckets to the next, a key stays or moves to the new one.
pub fn jump(mut key: u64, buckets: u32) -> u32 {
    let (mut bucket, mut next) = (0, 0.0);
    while next < f64::from(buckets) {
        bucket = next as u32;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        let draw = ((key >> 33) + 1) as f64;
        next = ((f64::from(bucket) + 1.0) * ((1_u64 << 31) as f64 / draw)).floor();
    }
    bucket
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the paper's listing has it.
    #[test]
    fn it_is_the_papers() {
        for (key, buckets, bucket) in [
            (1, 1, 0),
            (42, 57, 43),
            (0xdead_10cc, 1, 0),
            (0xdead_10cc, 666, 361),
            (256, 1024, 520),
        ] {
            assert_eq!(jump(key, buckets), bucket, "{key} of {buckets}");
        }
    }

    #[test]
    fn a_key_stays_or_goes_to_the_new_bucket() {
        for key in (0..1_000).map(crate::mix::mix) {
            for buckets in 1..100 {
                let (before, after) = (jump(key, buckets), jump(key, buckets + 1));
                assert!(after == before || after == buckets);
            }
        }
    }
}
