//! The plugins in some folders, by name.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry::{Occupied, Vacant};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::{HashPlugin, PlacementPlugin, Plugin, Runtime};

/// Every `*.wasm` of some folders, loaded or refused.
pub struct Catalogue {
    runtime: Runtime,
    folders: Vec<PathBuf>,
    /// By name, then file.
    entries: Vec<Entry>,
}

/// A file and what became of it.
pub struct Entry {
    file: PathBuf,
    stamp: Stamp,
    loaded: Result<Plugin, String>,
    /// The file that had its name first.
    taken_by: Option<PathBuf>,
}

/// Whether a file can be used.
#[derive(Debug)]
pub enum State<'a> {
    /// It can.
    Loaded(&'a Plugin),
    /// It can't, and why.
    Refused(String),
}

/// What tells that a file has changed.
type Stamp = (Option<SystemTime>, u64);

impl Catalogue {
    /// Loads what is in the folders. Where two files have a plugin of one name and kind, that of
    /// the earlier folder, and there the one whose file name sorts first, has it.
    pub fn scan(runtime: &Runtime, folders: &[PathBuf]) -> Self {
        let mut catalogue =
            Catalogue { runtime: runtime.clone(), folders: folders.to_vec(), entries: Vec::new() };
        catalogue.refresh();
        catalogue
    }

    /// Looks at the folders again and loads the files that are new or have changed.
    pub fn refresh(&mut self) {
        let mut known: BTreeMap<PathBuf, Entry> =
            self.entries.drain(..).map(|e| (e.file.clone(), e)).collect();
        let mut names: BTreeMap<(&'static str, String), PathBuf> = BTreeMap::new();
        for (file, stamp) in self.folders.iter().flat_map(|folder| files(folder)) {
            let loaded = match known.remove(&file) {
                Some(entry) if entry.stamp == stamp => entry.loaded,
                _ => load(&self.runtime, &file),
            };
            let mut entry = Entry { file, stamp, loaded, taken_by: None };
            if entry.loaded.is_ok() {
                match names.entry((entry.kind(), entry.name().to_owned())) {
                    Vacant(free) => drop(free.insert(entry.file.clone())),
                    Occupied(taken) => entry.taken_by = Some(taken.get().clone()),
                }
            }
            self.entries.push(entry);
        }
        self.entries.sort_by(|a, b| (a.name(), &a.file).cmp(&(b.name(), &b.file)));
    }

    /// All files, by name.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// The hash function of that name.
    pub fn hash(&self, name: &str) -> Option<HashPlugin> {
        self.usable(name).find_map(|plugin| match plugin {
            Plugin::Hash(plugin) => Some(plugin.clone()),
            Plugin::Placement(_) => None,
        })
    }

    /// The placement policy of that name.
    pub fn placement(&self, name: &str) -> Option<PlacementPlugin> {
        self.usable(name).find_map(|plugin| match plugin {
            Plugin::Placement(plugin) => Some(plugin.clone()),
            Plugin::Hash(_) => None,
        })
    }

    fn usable<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Plugin> {
        self.entries.iter().filter(move |e| e.name() == name).filter_map(|e| match e.state() {
            State::Loaded(plugin) => Some(plugin),
            State::Refused(_) => None,
        })
    }
}

impl Entry {
    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The name the plugin gives itself; that of the file where it could not say.
    pub fn name(&self) -> &str {
        match &self.loaded {
            Ok(plugin) => &plugin.description().name,
            Err(_) => self.file.file_stem().and_then(|s| s.to_str()).unwrap_or_default(),
        }
    }

    /// `hash`, `placement`, or `unknown` where it could not be loaded.
    pub fn kind(&self) -> &'static str {
        self.loaded.as_ref().map_or("unknown", Plugin::kind)
    }

    /// SHA-256 of the file in hex, where it could be loaded.
    pub fn digest(&self) -> Option<&str> {
        self.loaded.as_ref().ok().map(Plugin::digest)
    }

    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.stamp.1
    }

    /// Whether it can be used by its name.
    pub fn is_loaded(&self) -> bool {
        matches!(self.state(), State::Loaded(_))
    }

    /// Whether it can be used, or why not.
    pub fn state(&self) -> State<'_> {
        match (&self.loaded, &self.taken_by) {
            (Ok(plugin), None) => State::Loaded(plugin),
            (Ok(_), Some(first)) => State::Refused(format!("{} has its name", first.display())),
            (Err(reason), _) => State::Refused(reason.clone()),
        }
    }
}

fn load(runtime: &Runtime, file: &Path) -> Result<Plugin, String> {
    let bytes = fs::read(file).map_err(|e| e.to_string())?;
    runtime.load(&bytes).map_err(|e| e.to_string())
}

/// The plugin files of a folder, by name.
fn files(folder: &Path) -> Vec<(PathBuf, Stamp)> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            tracing::debug!(folder = %folder.display(), %error, "no plugins there");
            return Vec::new();
        }
    };
    let mut files: Vec<(PathBuf, Stamp)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let about = fs::metadata(&path).ok()?;
            let plugin = about.is_file() && path.extension().is_some_and(|e| e == "wasm");
            plugin.then(|| (path, (about.modified().ok(), about.len())))
        })
        .collect();
    files.sort();
    files
}
