//! New shards: that their ranges are ranges and do not overlap.

use std::collections::{BTreeMap, HashSet};

use ringwright_model::{Key, Shard, Sharding};

use super::{NewShard, ShapeError};

/// Most shards of a table: each write's turn looks at all.
const MOST_SHARDS: usize = 10_000;

/// Checks new shards against each other and those there are. The request calls their list
/// `field`.
pub(super) fn check(
    field: &str,
    sharding: Sharding,
    key_column: &str,
    new: &[NewShard],
    existing: &[Shard],
) -> Result<Vec<Shard>, ShapeError> {
    if existing.len() + new.len() > MOST_SHARDS {
        let message = format!("field '{field}': a table has at most {MOST_SHARDS} shards");
        return Err(ShapeError::Invalid(message));
    }
    let old_ids: HashSet<&str> = existing.iter().map(|s| s.id.as_str()).collect();
    let mut new_ids = HashSet::new();
    // By their low ends: what overlaps a range that overlaps no other is next to it.
    let mut ranges: BTreeMap<Key, &Shard> = existing.iter().map(|s| (s.low, s)).collect();
    let mut checked = Vec::with_capacity(new.len());
    for (i, shard) in new.iter().enumerate() {
        let invalid = |message: String| {
            Err(ShapeError::Invalid(format!("{field}[{i}] '{}': {message}", shard.id)))
        };
        if shard.id.is_empty() || shard.id.len() > 128 {
            let message = format!("{field}[{i}]: field 'Shard_id' must have 1 to 128 bytes");
            return Err(ShapeError::Invalid(message));
        }
        if shard.id.contains('\0') {
            let message = format!("{field}[{i}]: field 'Shard_id' has a NUL in it");
            return Err(ShapeError::Invalid(message));
        }
        if old_ids.contains(shard.id.as_str()) {
            let message = format!("{field}[{i}]: shard '{}' exists already", shard.id);
            return Err(ShapeError::Clash(message));
        }
        if !new_ids.insert(shard.id.as_str()) {
            return invalid("field 'Shard_id' is given twice".into());
        }
        let (low, size) = match sharding {
            Sharding::Modulo => (0, 0),
            Sharding::Range => match (shard.low, shard.size) {
                (Some(low), Some(size)) => (low, size),
                (None, _) => return invalid(format!("field '{key_column}_low' is missing")),
                (_, None) => return invalid("field 'Shard_size' is missing".into()),
            },
        };
        let room = Key::MAX.abs_diff(low);
        if sharding == Sharding::Range && (size == 0 || size - 1 > room) {
            let most = room.saturating_add(1);
            return invalid(format!("field 'Shard_size' must be from 1 to {most}"));
        }
        checked.push(Shard { id: shard.id.clone(), low, size, valid_at: 0 });
    }
    if sharding == Sharding::Range {
        for (i, shard) in checked.iter().enumerate() {
            let before =
                ranges.range(..=shard.low).next_back().filter(|(_, b)| b.high() >= shard.low);
            let after = ranges.range(shard.low..=shard.high()).next();
            if let Some((_, other)) = before.or(after) {
                return Err(ShapeError::Invalid(format!(
                    "{field}[{i}] '{}': its range overlaps that of shard '{}'",
                    shard.id, other.id
                )));
            }
            ranges.insert(shard.low, shard);
        }
    }
    Ok(checked)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    fn new(id: &str, low: Key, size: u64) -> NewShard {
        NewShard { id: id.into(), low: Some(low), size: Some(size) }
    }

    fn refused(new: &[NewShard]) -> String {
        check("shards", Sharding::Range, "Stud_id", new, &[]).unwrap_err().to_string()
    }

    #[test]
    fn neighbours_do_not_overlap() {
        let shards = [new("a", 0, 10), new("b", 10, 10)];
        assert_eq!(check("shards", Sharding::Range, "Stud_id", &shards, &[]).unwrap().len(), 2);
    }

    #[test]
    fn each_fault_is_named() {
        let e = refused(&[new("a", 0, 11), new("b", 10, 10)]);
        assert_eq!(e, "shards[1] 'b': its range overlaps that of shard 'a'");
        assert!(refused(&[new("a", 0, 0)]).contains("'Shard_size' must be from 1"));
        assert!(refused(&[new("a", Key::MAX, 2)]).contains("must be from 1 to 1"));
        assert!(refused(&[new("", 0, 1)]).contains("'Shard_id'"));
        assert_eq!(refused(&[new("a\0", 0, 1)]), "shards[0]: field 'Shard_id' has a NUL in it");
        assert!(refused(&[new("a", 0, 1), new("a", 5, 1)]).contains("given twice"));
        let no_low = NewShard { id: "a".into(), low: None, size: Some(1) };
        assert!(refused(&[no_low]).contains("'Stud_id_low' is missing"));
    }

    #[test]
    fn an_overlap_is_found_on_either_side() {
        for (low, size) in [(0, 11), (5, 6), (10, 1), (12, 2), (15, 5), (19, 9), (5, 100)] {
            let e = refused(&[new("a", 10, 10), new("z", 30, 1), new("b", low, size)]);
            assert_eq!(e, "shards[2] 'b': its range overlaps that of shard 'a'", "{low}, {size}");
        }
        let shards = [new("a", 10, 10), new("b", 0, 10), new("c", 20, 1)];
        assert_eq!(check("shards", Sharding::Range, "k", &shards, &[]).unwrap().len(), 3);
    }

    #[test]
    fn as_many_as_there_may_be_are_checked_at_once() {
        let many: Vec<NewShard> = (0..10_000).map(|i| new(&format!("s{i}"), i * 2, 2)).collect();
        let begun = std::time::Instant::now();
        assert_eq!(check("shards", Sharding::Range, "k", &many, &[]).unwrap().len(), 10_000);
        let took = begun.elapsed();
        assert!(took < std::time::Duration::from_secs(1), "each with each: {took:?}");
    }

    #[test]
    fn modulo_needs_only_names() {
        let shards = [NewShard { id: "a".into(), low: None, size: None }];
        assert_eq!(check("shards", Sharding::Modulo, "Stud_id", &shards, &[]).unwrap()[0].id, "a");
    }
}
