//! What a cluster is started with.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

/// What a cluster is started with.
#[derive(Clone, Default)]
pub struct Setup {
    /// A payload of `/init`; without one there is no table.
    pub init: Option<Value>,
    /// Settings of the balancer, each by its variable: `RINGWRIGHT_HASH` and the like.
    pub settings: Vec<(&'static str, String)>,
}

impl Setup {
    /// One with a table and this hash function.
    pub fn new(init: Value, hash: &str) -> Self {
        Setup { init: Some(init), settings: Vec::new() }.with("RINGWRIGHT_HASH", hash)
    }

    /// The same with one setting more.
    #[must_use]
    pub fn with(mut self, variable: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((variable, value.into()));
        self
    }

    /// Writes the payload of `/init` into a folder, where there is one.
    pub(crate) fn write(&self, folder: &Path) -> Result<Option<PathBuf>> {
        std::fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let Some(init) = &self.init else { return Ok(None) };
        let file = folder.join("cluster.json");
        std::fs::write(&file, init.to_string()).with_context(|| file.display().to_string())?;
        Ok(Some(file))
    }
}
