//! Texts of guests, made fit to be shown.

/// The longest text that is kept.
pub(crate) const MOST_BYTES: usize = 500;

/// The text without control characters, cut where it is too long.
///
/// It goes to logs and terminals: what could move a cursor or turn the writing round is gone.
pub(crate) fn fit(text: &str) -> String {
    let mut fit = String::with_capacity(text.len().min(MOST_BYTES));
    for c in text.chars().filter(|c| !c.is_control() && !turns(*c)) {
        if fit.len() + c.len_utf8() > MOST_BYTES {
            fit.push('…');
            break;
        }
        fit.push(c);
    }
    fit
}

/// Whether it changes the direction of what follows.
fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_fits_stays() {
        assert_eq!(fit("Φ(i, j) = i² + j²"), "Φ(i, j) = i² + j²");
        assert_eq!(fit(&"x".repeat(MOST_BYTES)), "x".repeat(MOST_BYTES));
    }

    #[test]
    fn control_characters_go() {
        assert_eq!(fit("a\x1b[31mred\n\r\0\u{9b}b\u{202e}c"), "a[31mredbc");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let cut = fit(&"é".repeat(10_000_000));
        assert_eq!(cut, "é".repeat(MOST_BYTES / 2) + "…");
        assert_eq!(fit(&format!("x{}", "é".repeat(MOST_BYTES))).chars().count(), 1 + 249 + 1);
    }
}
