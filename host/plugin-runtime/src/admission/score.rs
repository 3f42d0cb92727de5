//! How measures make a score.
//!
//! A measure that should be small gives 100 · ideal / value points, at most 100; one that should
//! be large gives 100 · value / ideal. The points of a part (`balance`, `moves`) are the mean of
//! its measures', without those that do not apply. The score is the product of the two parts,
//! balance · moves / 100: whoever moves nothing because one server has everything has nothing.

use super::report::Measure;

pub(super) const BALANCE: &str = "balance";
pub(super) const MOVES: &str = "moves";

/// A measure that should be no larger than its ideal.
pub(super) fn at_most(part: &str, name: String, value: Option<f64>, ideal: f64) -> Measure {
    let points = value.map(|value| if value <= ideal { 100.0 } else { 100.0 * ideal / value });
    Measure { name, part: part.to_owned(), value, ideal, points }
}

/// A measure that should be no smaller than its ideal.
pub(super) fn at_least(part: &str, name: String, value: Option<f64>, ideal: f64) -> Measure {
    let points = value.map(|value| if value >= ideal { 100.0 } else { 100.0 * value / ideal });
    Measure { name, part: part.to_owned(), value, ideal, points }
}

/// From 0 to 100; `None` without measures.
pub(super) fn of(measures: &[Measure]) -> Option<u8> {
    let parts = [BALANCE, MOVES].map(|part| mean(measures, part));
    if parts == [None, None] {
        return None;
    }
    let score: f64 = parts.into_iter().flatten().map(|points| points / 100.0).product();
    Some((100.0 * score).round().clamp(0.0, 100.0) as u8)
}

fn mean(measures: &[Measure], part: &str) -> Option<f64> {
    let points: Vec<f64> =
        measures.iter().filter(|m| m.part == part).filter_map(|m| m.points).collect();
    (!points.is_empty()).then(|| points.iter().sum::<f64>() / points.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balance(value: Option<f64>) -> Measure {
        at_most(BALANCE, String::new(), value, 1.0)
    }

    fn moves(value: Option<f64>) -> Measure {
        at_least(MOVES, String::new(), value, 1.0)
    }

    #[test]
    fn the_ideal_is_a_hundred() {
        assert_eq!(of(&[balance(Some(1.0)), moves(Some(1.0))]), Some(100));
        assert_eq!(of(&[balance(Some(0.5)), moves(Some(2.0))]), Some(100), "and no more");
    }

    #[test]
    fn both_parts_are_needed() {
        assert_eq!(of(&[balance(Some(2.0)), moves(Some(1.0))]), Some(50));
        assert_eq!(of(&[balance(Some(2.0)), moves(Some(0.5))]), Some(25));
        assert_eq!(of(&[balance(Some(1.0)), moves(Some(0.0))]), Some(0));
    }

    #[test]
    fn what_does_not_apply_counts_nothing() {
        assert_eq!(of(&[balance(None), balance(Some(2.0)), moves(None)]), Some(50));
        assert_eq!(of(&[balance(None)]), None);
        assert_eq!(of(&[]), None);
    }
}
