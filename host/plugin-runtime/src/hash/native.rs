//! H compiled into the host: in a build that is made to measure what a plugin costs, and in no
//! other.

use ringwright_plugin::HashFunction as _;

use super::Instance;
use crate::CallError;

/// H as a function of the host.
pub(super) type Twin = fn(u64, u32) -> u32;

/// How many ids the two are compared by, and over how many slots.
const IDS: u64 = 1000;
const SLOTS: u32 = 4096;

/// The H of the plugin of that name, where it is compiled in, which is that of the slowest, and
/// answers as this instance does: a name alone may be anybody's.
pub(super) fn twin(name: &str, instance: &mut Instance) -> Result<Option<Twin>, CallError> {
    if name != "md5" {
        return Ok(None);
    }
    let twin: Twin = md5::Md5Hash::slot;
    let ids: Vec<u64> = (0..IDS).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let told = instance.slots(&ids, SLOTS)?;
    Ok(ids.iter().zip(told).all(|(&id, slot)| twin(id, SLOTS) == slot).then_some(twin))
}

#[cfg(test)]
mod tests {
    use ringwright_test_plugins::{HashBodies, built};

    use crate::tests::support::{hash, patient};

    #[test]
    fn a_twin_is_taken_only_where_it_answers_alike() {
        let twin_of = |bytes: &[u8]| hash(patient().load(bytes)).shared.native;
        assert!(twin_of(&built("md5")).is_some());
        let namesake = HashBodies { name: "md5", ..HashBodies::default() }.component();
        assert!(twin_of(&namesake).is_none());
        assert_eq!(hash(patient().load(&namesake)).slot(1, 512), Ok(3));
        assert!(twin_of(&built("quadratic")).is_none());
    }
}
