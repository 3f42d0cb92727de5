//! What an operator tells about a server.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Labels of a server, such as its zone: keys and values.
pub type Labels = BTreeMap<String, String>;

/// What an operator tells about a server, for plugins to heed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// Its share relative to the other servers; 0 makes it a last resort.
    pub weight: u32,
    /// Its labels.
    pub labels: Labels,
}

impl Default for Attributes {
    /// Those of a server like any other.
    fn default() -> Self {
        Attributes { weight: 1, labels: Labels::new() }
    }
}
