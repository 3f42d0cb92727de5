//! From a file's bytes to a plugin that can be called.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::about::About;
use crate::api::{self, Api, Kind};
use crate::cache::Cache;
use crate::grants::Granted;
use crate::text::fit;
use crate::{
    Description, HashPlugin, LoadError, PlacementPlugin, Report, Settings, admission, engine,
    stand_ins,
};

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

/// A file that is to become a plugin, and what it tells without being run.
struct File<'a> {
    bytes: &'a [u8],
    granted: Granted,
    digest: String,
    /// The version of the interface it was built for, once that is known.
    api: Option<String>,
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
        self.load_file(&mut self.file(bytes, ""))
    }

    /// Decides whether a plugin may be used, by trying it. The report is kept beside the
    /// compiled plugin, and made again where one of other limits or another admission is there.
    ///
    /// It may take a while: not for a thread that serves requests.
    pub fn admit(&self, plugin: &Plugin) -> Report {
        let key = admission::key(plugin.about().granted);
        if let Some(kept) = self.cache.as_ref().and_then(|c| c.report(plugin.digest(), key)) {
            return kept;
        }
        let (report, lasting) = admission::admit(plugin);
        if let Some(cache) = self.cache.as_ref().filter(|_| lasting) {
            cache.put_report(plugin.digest(), key, &report);
        }
        report
    }

    /// Loads and tries a plugin that comes as a file of that name, without its extension. There
    /// is a plugin where it may be used.
    ///
    /// It may take a while: not for a thread that serves requests.
    pub fn examine(&self, name: &str, bytes: &[u8]) -> (Report, Option<Plugin>) {
        let mut file = self.file(bytes, name);
        match self.load_file(&mut file) {
            Ok(plugin) => {
                let report = self.admit(&plugin);
                let admitted = report.refusal().is_none();
                (report, admitted.then_some(plugin))
            }
            Err(e) => (admission::unloadable(file.digest, file.api, bytes.len(), &e), None),
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A file of that name, which may be granted more than others.
    fn file<'a>(&self, bytes: &'a [u8], name: &str) -> File<'a> {
        let digest = hex(&Sha256::digest(bytes));
        let granted = self.settings.granted(&[name, &digest]);
        File { bytes, granted, digest, api: None }
    }

    fn load_file(&self, file: &mut File) -> Result<Plugin, LoadError> {
        let (size, granted) = (file.bytes.len(), file.granted);
        if size > granted.component_bytes {
            return Err(LoadError::Size { size, most: granted.component_bytes });
        }
        let (component, compiled_in) = self.component(file)?;
        let export = api::export(&self.engine, &component);
        file.api = export.as_ref().map(|export| export.version.clone());
        let pre = stand_ins::linker(&self.engine, &component)?
            .instantiate_pre(&component)
            .map_err(|e| LoadError::Imports(fit(&format!("{e:#}"))))?;
        let export = export.ok_or(LoadError::NotAPlugin)?;
        let adapter = Api::of(&export.version).ok_or_else(|| api::not_loaded(&export))?;
        let (digest, api) = (file.digest.clone(), export.version);
        let about = |told| {
            let description = Description::try_from(told)?;
            Ok(About { description, digest, size, api, compiled_in, granted })
        };
        match (adapter, export.kind) {
            (Api::V0_1, Kind::Hash) => HashPlugin::load(pre, about, granted).map(Plugin::Hash),
            (Api::V0_1, Kind::Placement) => {
                PlacementPlugin::load(pre, about, granted).map(Plugin::Placement)
            }
        }
    }

    /// The component, and what compiling it took unless it was kept.
    fn component(&self, file: &File) -> Result<(Component, Option<Duration>), LoadError> {
        if let Some(kept) = self.cache.as_ref().and_then(|c| c.get(&self.engine, &file.digest)) {
            return Ok((kept, None));
        }
        let began = Instant::now();
        let component = Component::from_binary(&self.engine, file.bytes)
            .map_err(|e| LoadError::NotAComponent(fit(&format!("{e:#}"))))?;
        let took = began.elapsed();
        if let Some(cache) = &self.cache {
            cache.put(&file.digest, &component);
        }
        Ok((component, Some(took)))
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

    /// The version of the plugin interface it was built for.
    pub fn api(&self) -> &str {
        &self.about().api
    }

    /// `hash` or `placement`.
    pub fn kind(&self) -> &'static str {
        match self {
            Plugin::Hash(_) => Kind::Hash.name(),
            Plugin::Placement(_) => Kind::Placement.name(),
        }
    }

    pub(crate) fn about(&self) -> &About {
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
