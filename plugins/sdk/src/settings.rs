//! What an operator set.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The value of a setting.
///
/// # Errors
/// Says that there is no such setting.
pub fn text<'a>(settings: &'a [(String, String)], name: &str) -> Result<&'a str, String> {
    let told = settings.iter().find(|(told, _)| told == name);
    told.map(|(_, value)| value.as_str()).ok_or_else(|| format!("setting '{name}' is missing"))
}

/// The value of a setting that is a number.
///
/// # Errors
/// Says which setting is none, or out of its range.
pub fn number<T: FromStr + PartialOrd + Display>(
    settings: &[(String, String)],
    name: &str,
    range: RangeInclusive<T>,
) -> Result<T, String> {
    let value = text(settings, name)?;
    match value.trim().parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!(
            "setting '{name}' is '{value}': it takes a number from {} to {}",
            range.start(),
            range.end()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probes(value: &str) -> Result<u32, String> {
        number(&[("probes".to_owned(), value.to_owned())], "probes", 1..=64)
    }

    #[test]
    fn a_number_in_its_range_is_taken() {
        assert_eq!([probes("1"), probes(" 64 ")], [Ok(1), Ok(64)]);
    }

    #[test]
    fn what_is_none_is_named() {
        let told = "setting 'probes' is '65': it takes a number from 1 to 64";
        assert_eq!(probes("65"), Err(told.to_owned()));
        assert!(probes("").is_err() && probes("x").is_err() && probes("-1").is_err());
        assert!(number(&[("p".into(), "NaN".into())], "p", 0.0..=1.0).is_err());
        assert_eq!(text(&[], "seed"), Err("setting 'seed' is missing".to_owned()));
    }
}
