//! What a plugin may be called.

use std::str::FromStr;

/// The longest name.
const BYTES: usize = 64;

/// A plugin's name. It starts with a letter, so that a package may be called so too.
#[derive(Clone, Debug)]
pub struct Name(String);

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of a package, which has no dots.
    pub fn package(&self) -> String {
        self.0.replace('.', "-")
    }

    /// What Rust calls the library of that package.
    pub fn library(&self) -> String {
        self.package().replace('-', "_")
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if text.len() <= BYTES
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(plain)
        {
            return Ok(Name(text.to_owned()));
        }
        Err(format!(
            "a name is a letter and then letters, digits, '-', '_' or '.', {BYTES} in all at most"
        ))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn a_name_does_for_a_plugin_and_for_a_package() {
        assert_eq!("My_hash-1.2".parse::<Name>().unwrap().package(), "My_hash-1-2");
        assert_eq!("My_hash-1.2".parse::<Name>().unwrap().library(), "My_hash_1_2");
        assert!("a".repeat(BYTES).parse::<Name>().is_ok());
        for none in ["", "1a", "-a", "../a", "a/b", "a b", "é", &"a".repeat(BYTES + 1)] {
            assert!(none.parse::<Name>().is_err(), "{none}");
        }
    }
}
