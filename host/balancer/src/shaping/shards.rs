//! New shards: that their ranges are ranges and do not overlap.

use ringwright_model::{Key, Shard, Sharding};

use super::{NewShard, ShapeError};

/// Most shards of a table: each is compared with all others, and each write's turn looks at all.
const MOST_SHARDS: usize = 10_000;

/// Checks new shards against each other and those there are.
pub(super) fn check(
    sharding: Sharding,
    key_column: &str,
    new: &[NewShard],
    existing: &[Shard],
) -> Result<Vec<Shard>, ShapeError> {
    if existing.len() + new.len() > MOST_SHARDS {
        let message = format!("field 'shards': a table has at most {MOST_SHARDS} shards");
        return Err(ShapeError::Invalid(message));
    }
    let mut all = existing.to_vec();
    for (i, shard) in new.iter().enumerate() {
        let invalid = |message: String| {
            Err(ShapeError::Invalid(format!("shards[{i}] '{}': {message}", shard.id)))
        };
        if shard.id.is_empty() || shard.id.len() > 128 {
            return invalid("field 'Shard_id' must have 1 to 128 characters".into());
        }
        if existing.iter().any(|s| s.id == shard.id) {
            return Err(ShapeError::Clash(format!("shard '{}' exists already", shard.id)));
        }
        if all.iter().any(|s| s.id == shard.id) {
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
        let shard = Shard { id: shard.id.clone(), low, size, valid_at: 0 };
        let overlaps = |s: &&Shard| s.low <= shard.high() && shard.low <= s.high();
        if sharding == Sharding::Range
            && let Some(other) = all.iter().find(overlaps)
        {
            return invalid(format!("its range overlaps that of shard '{}'", other.id));
        }
        all.push(shard);
    }
    Ok(all.split_off(existing.len()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    fn new(id: &str, low: Key, size: u64) -> NewShard {
        NewShard { id: id.into(), low: Some(low), size: Some(size) }
    }

    fn refused(new: &[NewShard]) -> String {
        check(Sharding::Range, "Stud_id", new, &[]).unwrap_err().to_string()
    }

    #[test]
    fn neighbours_do_not_overlap() {
        let shards = [new("a", 0, 10), new("b", 10, 10)];
        assert_eq!(check(Sharding::Range, "Stud_id", &shards, &[]).unwrap().len(), 2);
    }

    #[test]
    fn each_fault_is_named() {
        let e = refused(&[new("a", 0, 11), new("b", 10, 10)]);
        assert_eq!(e, "shards[1] 'b': its range overlaps that of shard 'a'");
        assert!(refused(&[new("a", 0, 0)]).contains("'Shard_size' must be from 1"));
        assert!(refused(&[new("a", Key::MAX, 2)]).contains("must be from 1 to 1"));
        assert!(refused(&[new("", 0, 1)]).contains("'Shard_id'"));
        assert!(refused(&[new("a", 0, 1), new("a", 5, 1)]).contains("given twice"));
        let no_low = NewShard { id: "a".into(), low: None, size: Some(1) };
        assert!(refused(&[no_low]).contains("'Stud_id_low' is missing"));
    }

    #[test]
    fn modulo_needs_only_names() {
        let shards = [NewShard { id: "a".into(), low: None, size: None }];
        assert_eq!(check(Sharding::Modulo, "Stud_id", &shards, &[]).unwrap()[0].id, "a");
    }
}
