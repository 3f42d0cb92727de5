//! The plugins in some folders, by name.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::folder::{self, Stamp};
use crate::names::Names;
use crate::{HashPlugin, PlacementPlugin, Plugin, Runtime};

/// Looks after the `*.wasm` of some folders. One thread owns it; the others are shown
/// [`Listing`]s.
pub struct Catalogue {
    runtime: Runtime,
    folders: Vec<PathBuf>,
    /// By folder, then file.
    entries: Vec<Entry>,
    /// Files of loaded plugins that had changed when last looked at.
    changing: BTreeMap<PathBuf, Stamp>,
    names: Names,
    listing: Arc<Listing>,
}

/// The plugins as they were when last looked at.
#[derive(Default)]
pub struct Listing {
    /// By name, then file.
    entries: Vec<Entry>,
}

/// A file and what became of it.
#[derive(Clone)]
pub struct Entry {
    pub(crate) file: PathBuf,
    stamp: Stamp,
    pub(crate) loaded: Result<Plugin, String>,
    /// The file that has its name.
    pub(crate) taken_by: Option<PathBuf>,
}

/// Whether a file can be used.
#[derive(Debug)]
pub enum State<'a> {
    /// It can.
    Loaded(&'a Plugin),
    /// It can't, and why.
    Refused(String),
}

impl Catalogue {
    /// Loads what is in the folders. Where two files have a plugin of one name and kind, that of
    /// the earlier folder, and there the one whose file name sorts first, has it.
    pub fn scan(runtime: &Runtime, folders: &[PathBuf]) -> Self {
        let mut catalogue = Catalogue {
            runtime: runtime.clone(),
            folders: folders.to_vec(),
            entries: Vec::new(),
            changing: BTreeMap::new(),
            names: Names::default(),
            listing: Arc::default(),
        };
        catalogue.refresh();
        catalogue
    }

    /// Looks at the folders again and loads the files that are new or have changed. One that
    /// takes the place of a loaded plugin must look the same twice in a row, so that half a copy
    /// replaces nothing; call this at intervals.
    pub fn refresh(&mut self) {
        self.look(true);
    }

    /// Loads the files that are new, and leaves the others to the next [`Catalogue::refresh`].
    pub fn refresh_new(&mut self) {
        self.look(false);
    }

    /// The plugins as they were when last looked at.
    pub fn listing(&self) -> Arc<Listing> {
        self.listing.clone()
    }

    fn look(&mut self, at_changes: bool) {
        let mut entries = Vec::new();
        for (file, stamp) in self.folders.iter().flat_map(|folder| folder::files(folder)) {
            let known = self.entries.iter().find(|e| e.file == file);
            let kept = match known {
                None => None,
                Some(entry) if entry.stamp == stamp => {
                    self.changing.remove(&file);
                    Some(entry)
                }
                // What could not be used is replaced by anything.
                Some(entry) if entry.loaded.is_err() => None,
                Some(entry) if at_changes => {
                    let before = self.changing.insert(file.clone(), stamp.clone());
                    let settled = before.is_some_and(|before| before == stamp);
                    (!settled).then_some(entry)
                }
                Some(entry) => Some(entry),
            };
            entries.push(match kept {
                Some(entry) => entry.clone(),
                None => {
                    self.changing.remove(&file);
                    let loaded = load(&self.runtime, &file);
                    Entry { file, stamp, loaded, taken_by: None }
                }
            });
        }
        self.changing.retain(|file, _| entries.iter().any(|e| e.file == *file));
        self.names.assign(&mut entries);
        self.entries = entries;
        let mut sorted = self.entries.clone();
        sorted.sort_by(|a, b| (a.name(), &a.file).cmp(&(b.name(), &b.file)));
        self.listing = Arc::new(Listing { entries: sorted });
    }
}

impl Listing {
    /// All files, by name.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// The hash function of that name.
    pub fn hash(&self, name: &str) -> Option<&HashPlugin> {
        self.usable(name).into_iter().find_map(|plugin| match plugin {
            Plugin::Hash(plugin) => Some(plugin),
            Plugin::Placement(_) => None,
        })
    }

    /// The placement policy of that name.
    pub fn placement(&self, name: &str) -> Option<&PlacementPlugin> {
        self.usable(name).into_iter().find_map(|plugin| match plugin {
            Plugin::Placement(plugin) => Some(plugin),
            Plugin::Hash(_) => None,
        })
    }

    /// The plugins that can be used by that name: one of each kind.
    fn usable(&self, name: &str) -> Vec<&Plugin> {
        let called = |e: &&Entry| e.name() == name;
        let usable = |e| match Entry::state(e) {
            State::Loaded(plugin) => Some(plugin),
            State::Refused(_) => None,
        };
        self.entries.iter().filter(called).filter_map(usable).collect()
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
        self.stamp.bytes
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

/// Loads a file. Whatever it makes the compiler do, the others are loaded all the same.
fn load(runtime: &Runtime, file: &Path) -> Result<Plugin, String> {
    let most = runtime.settings().component_bytes;
    let bytes = folder::read(file, most)
        .map_err(|e| e.to_string())?
        .ok_or_else(|| format!("it has more than the {most} bytes a plugin may have"))?;
    match catch_unwind(AssertUnwindSafe(|| runtime.load(&bytes))) {
        Ok(loaded) => loaded.map_err(|e| e.to_string()),
        Err(_) => {
            tracing::error!(file = %file.display(), "loading a plugin panicked");
            Err("the runtime failed over it".to_owned())
        }
    }
}
