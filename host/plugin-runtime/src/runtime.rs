//! From a file's bytes to a plugin that can be called.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::about::About;
use crate::bindings::{HASH, PLACEMENT};
use crate::cache::Cache;
use crate::text::fit;
use crate::{Description, HashPlugin, LoadError, PlacementPlugin, Settings, engine};

/// Loads plugins. Clones share one engine.
#[derive(Clone)]
pub struct Runtime {
    engine: Engine,
    settings: Settings,
    cache: Option<Cache>,
}

/// A plugin of either kind.
#[derive(Clone, Debug)]
pub enum Plugin {
    /// A hash function.
    Hash(HashPlugin),
    /// A placement policy.
    Placement(PlacementPlugin),
}

impl Runtime {
    /// Starts an engine, which runs until the last plugin is gone too.
    ///
    /// # Errors
    /// Where this machine cannot run WebAssembly, or no more threads.
    pub fn new(settings: Settings) -> Result<Self, LoadError> {
        let engine = engine::start()?;
        let cache = settings.cache_dir.clone().map(|folder| Cache::new(folder, &engine));
        Ok(Runtime { engine, settings, cache })
    }

    /// Loads a plugin; its exports tell which kind it is.
    ///
    /// # Errors
    /// Says why it is none that can be used.
    pub fn load(&self, bytes: &[u8]) -> Result<Plugin, LoadError> {
        let (size, most) = (bytes.len(), self.settings.component_bytes);
        if size > most {
            return Err(LoadError::Size { size, most });
        }
        let digest = hex(&Sha256::digest(bytes));
        let component = self.component(bytes, &digest)?;
        let pre = Linker::new(&self.engine)
            .instantiate_pre(&component)
            .map_err(|e| LoadError::Imports(fit(&format!("{e:#}"))))?;
        let about = |told| Ok(About { description: Description::try_from(told)?, digest, size });
        let exports = |interface| component.get_export_index(None, interface).is_some();
        if exports(HASH) {
            HashPlugin::load(pre, &self.settings, about).map(Plugin::Hash)
        } else if exports(PLACEMENT) {
            PlacementPlugin::load(pre, &self.settings, about).map(Plugin::Placement)
        } else {
            Err(LoadError::NotAPlugin)
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    fn component(&self, bytes: &[u8], digest: &str) -> Result<Component, LoadError> {
        if let Some(kept) = self.cache.as_ref().and_then(|c| c.get(&self.engine, digest)) {
            return Ok(kept);
        }
        let component = Component::from_binary(&self.engine, bytes)
            .map_err(|e| LoadError::NotAComponent(fit(&format!("{e:#}"))))?;
        if let Some(cache) = &self.cache {
            cache.put(digest, &component);
        }
        Ok(component)
    }
}

impl Plugin {
    /// What it says of itself.
    pub fn description(&self) -> &Description {
        &self.about().description
    }

    /// SHA-256 of its file, in hex.
    pub fn digest(&self) -> &str {
        &self.about().digest
    }

    /// The size of its file in bytes.
    pub fn size(&self) -> usize {
        self.about().size
    }

    /// `hash` or `placement`.
    pub fn kind(&self) -> &'static str {
        match self {
            Plugin::Hash(_) => "hash",
            Plugin::Placement(_) => "placement",
        }
    }

    fn about(&self) -> &About {
        match self {
            Plugin::Hash(plugin) => plugin.about(),
            Plugin::Placement(plugin) => plugin.about(),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}"); // writing to a String cannot fail
        out
    })
}
