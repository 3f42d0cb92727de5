//! What is known of a plugin.

use crate::LoadError;
use crate::bindings::hash;

/// The longest name.
const NAME_BYTES: usize = 64;
/// The longest of the other texts.
const TEXT_BYTES: usize = 1_000;

/// What a plugin says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// What it is called by: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// Where the algorithm comes from.
    pub source: String,
}

/// A plugin's description and the file it came as.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) description: Description,
    /// SHA-256 in hex.
    pub(crate) digest: String,
    pub(crate) size: usize,
}

impl TryFrom<hash::Description> for Description {
    type Error = LoadError;

    fn try_from(told: hash::Description) -> Result<Self, LoadError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if told.name.is_empty() || told.name.len() > NAME_BYTES || !told.name.chars().all(plain) {
            return Err(LoadError::Description(format!(
                "a name has 1 to {NAME_BYTES} letters, digits, '-', '_' or '.'"
            )));
        }
        for (what, text) in
            [("version", &told.version), ("summary", &told.summary), ("source", &told.source)]
        {
            if text.len() > TEXT_BYTES || text.chars().any(char::is_control) {
                return Err(LoadError::Description(format!(
                    "the {what} must be one line of at most {TEXT_BYTES} bytes"
                )));
            }
        }
        Ok(Description {
            name: told.name,
            version: told.version,
            summary: told.summary,
            source: told.source,
        })
    }
}
