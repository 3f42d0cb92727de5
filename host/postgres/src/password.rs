//! A password, which is never shown.

use std::fmt;
use std::path::Path;

use crate::PostgresError;
use crate::error::at;

/// A password; printed, it is stars.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Reads the one line of a file.
    ///
    /// # Errors
    /// Where the file cannot be read, or holds anything but one line.
    pub fn read(file: &Path) -> Result<Self, PostgresError> {
        let text = std::fs::read_to_string(file).map_err(at(file))?;
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let wrong = |what| PostgresError::Password { file: file.to_owned(), what };
        match line.strip_suffix('\r').unwrap_or(line) {
            "" => Err(wrong("empty")),
            line if line.contains(char::is_control) => Err(wrong("more than a line of text")),
            line => Ok(Password(line.to_owned())),
        }
    }

    /// What it is, for whom it opens something.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    fn read(text: &str) -> Result<Password, PostgresError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Password::read(file.path())
    }

    #[test]
    fn a_password_is_one_line_and_is_not_shown() {
        for text in ["p w'\\", "p w'\\\n", "p w'\\\r\n"] {
            let password = read(text).unwrap();
            assert_eq!(password.reveal(), "p w'\\");
            assert_eq!(format!("{password:?}"), "***");
        }
        assert!(read("\n").unwrap_err().to_string().contains("is empty"));
        let two = read("secret\nsecret\n").unwrap_err().to_string();
        assert!(two.contains("more than a line") && !two.contains("secret"), "{two}");
    }
}
