//! Compiled plugins on disk, so that each is compiled once, and what admission said of them.
//!
//! A compiled component is machine code that is run as it is. It is only ever taken from our
//! own folder, and its checksum tells a file that was cut short or has rotted; it cannot tell
//! one that somebody forged, which is why nobody else may write there.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::Report;

/// The folder of compiled plugins and reports.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    /// Of the engine: another version or other settings make other code.
    engine: u64,
}

impl Cache {
    pub(crate) fn new(folder: PathBuf, engine: &Engine) -> Self {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Cache { folder, engine: hasher.finish() }
    }

    /// The compiled component of that digest, where there is a sound one.
    pub(crate) fn get(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let file = fs::read(self.path(digest)).ok()?;
        let (sum, code) = file.split_first_chunk::<32>()?;
        if Sha256::digest(code)[..] != sum[..] {
            tracing::warn!(digest, "a compiled plugin is damaged and is compiled again");
            return None;
        }
        // SAFETY: we wrote it, for this engine, into a folder that is ours alone, and it is
        // whole.
        #[allow(unsafe_code)]
        let component = unsafe { Component::deserialize(engine, code) };
        component.inspect_err(|error| tracing::warn!(digest, %error, "compiled again")).ok()
    }

    /// Keeps a compiled component. Where that fails it is compiled again the next time.
    pub(crate) fn put(&self, digest: &str, component: &Component) {
        let code = match component.serialize() {
            Ok(code) => code,
            Err(error) => return tracing::warn!(digest, %error, "a plugin cannot be kept compiled"),
        };
        let sum = Sha256::digest(&code);
        if let Err(error) = self.write(&self.path(digest), &[&sum, &code]) {
            tracing::warn!(digest, %error, "a compiled plugin could not be kept");
        }
    }

    /// The report on the plugin of that digest that was kept under that key.
    pub(crate) fn report(&self, digest: &str, key: u64) -> Option<Report> {
        let file = fs::read(self.report_path(digest, key)).ok()?;
        let report = serde_json::from_slice(&file);
        report.inspect_err(|error| tracing::warn!(digest, %error, "a report is damaged")).ok()
    }

    /// Keeps a report. Where that fails it is made again the next time.
    pub(crate) fn put_report(&self, digest: &str, key: u64, report: &Report) {
        let written = serde_json::to_vec_pretty(report)
            .map_err(io::Error::from)
            .and_then(|json| self.write(&self.report_path(digest, key), &[&json]));
        if let Err(error) = written {
            tracing::warn!(digest, %error, "a report could not be kept");
        }
    }

    /// Whole or not at all: another process may read it meanwhile.
    fn write(&self, path: &Path, parts: &[&[u8]]) -> io::Result<()> {
        create_private(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        parts.iter().try_for_each(|part| file.write_all(part))?;
        file.persist(path)?;
        Ok(())
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest}-{:016x}.cwasm", self.engine))
    }

    fn report_path(&self, digest: &str, key: u64) -> PathBuf {
        self.folder.join(format!("{digest}-{key:016x}.json"))
    }
}

fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}
