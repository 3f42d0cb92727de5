//! Which plugin was chosen, and how it was set.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A plugin as it was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The name it was chosen by.
    pub name: String,
    /// Its file's SHA-256 in hex; empty where only the name was kept.
    pub digest: String,
    /// The values of its settings that are not its defaults.
    pub settings: BTreeMap<String, String>,
}

impl Choice {
    /// A plugin whose settings are its defaults.
    pub fn new(name: &str, digest: &str) -> Self {
        Choice { name: name.to_owned(), digest: digest.to_owned(), settings: BTreeMap::new() }
    }
}
