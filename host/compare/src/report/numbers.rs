//! Numbers as people read them.

use crate::Figure;

/// What stands in a table where there is no figure.
pub(crate) const NONE: &str = "n/a";

/// A figure, or that there is none.
pub(crate) fn figure<T>(figure: &Figure<T>, show: impl FnOnce(&T) -> String) -> String {
    figure.known().map_or_else(|| NONE.to_owned(), show)
}

/// Three digits that count.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => count(value.round() as u64),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.1 || v == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// A number of things.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share.
pub(crate) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent >= 10.0 { format!("{percent:.0} %") } else { format!("{percent:.1} %") }
}

/// A probability.
pub(crate) fn probability(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

/// A size.
pub(crate) fn bytes(bytes: usize) -> String {
    let kilobytes = bytes as f64 / 1e3;
    if kilobytes < 1e3 {
        format!("{kilobytes:.0} kB")
    } else {
        format!("{:.1} MB", kilobytes / 1e3)
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let told = [65_536.4, 123.4, 12.34, 1.234, 0.0099, 0.0].map(number);
        assert_eq!(told, ["65,536", "123", "12.3", "1.23", "0.0099", "0.00"]);
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0.0909, 0.5].map(percent), ["9.1 %", "50 %"]);
        assert_eq!([31_800, 18_000_000].map(bytes), ["32 kB", "18.0 MB"]);
        assert_eq!([0.0, 0.25].map(probability), ["< 0.001", "0.250"]);
    }

    #[test]
    fn lists_read_as_sentences() {
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }
}
