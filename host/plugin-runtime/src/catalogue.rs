//! The plugins in some folders, by name.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::entry::{Entry, Fate, State, stem};
use crate::folder::{self, Stamp};
use crate::names::Names;
use crate::{HashPlugin, PlacementPlugin, Plugin, Runtime};

/// How often the folders are looked at while a file is tried.
const LOOK_PERIOD: Duration = Duration::from_millis(300);

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
    publish: Box<Publish>,
}

/// Shows a listing to whoever wants to see each as it comes.
type Publish = dyn Fn(&Arc<Listing>) + Send;

/// The plugins as they were when last looked at.
#[derive(Default)]
pub struct Listing {
    /// By name, then file.
    entries: Vec<Entry>,
}

impl Catalogue {
    /// Loads and tries what is in the folders. Where two files have a plugin of one name and
    /// kind, that of the earlier folder, and there the one whose file name sorts first, has it.
    pub fn scan(runtime: &Runtime, folders: &[PathBuf]) -> Self {
        let mut catalogue = Catalogue::open(runtime, folders);
        catalogue.refresh();
        catalogue
    }

    /// A catalogue of what is in the folders, of which nothing is known yet.
    pub fn open(runtime: &Runtime, folders: &[PathBuf]) -> Self {
        Catalogue {
            runtime: runtime.clone(),
            folders: folders.to_vec(),
            entries: Vec::new(),
            changing: BTreeMap::new(),
            names: Names::default(),
            listing: Arc::default(),
            publish: Box::new(|_| {}),
        }
    }

    /// Loads and tries files, those of these names first, until there is what is looked for; the
    /// next [`Catalogue::refresh`] goes on with the rest.
    pub fn seek(&mut self, names: &[&str], found: impl Fn(&Listing) -> bool) {
        self.look(true, |file| names.contains(&stem(file)), found);
    }

    /// Has each listing shown as it comes: with the files that are yet to be tried, which may take
    /// seconds, and again after each of them.
    pub fn publish_to(&mut self, publish: impl Fn(&Arc<Listing>) + Send + 'static) {
        self.publish = Box::new(publish);
    }

    /// Looks at the folders again and loads and tries the files that are new or have changed. One
    /// that takes the place of a loaded plugin must look the same twice in a row, so that half a
    /// copy replaces nothing; call this at intervals.
    pub fn refresh(&mut self) {
        self.look(true, |_| false, |_| false);
    }

    /// Loads the files that are new, and leaves the others to the next [`Catalogue::refresh`].
    pub fn refresh_new(&mut self) {
        self.look(false, |_| false, |_| false);
    }

    /// What loads its plugins.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The plugins as they were when last looked at.
    pub fn listing(&self) -> Arc<Listing> {
        self.listing.clone()
    }

    fn look(
        &mut self,
        at_changes: bool,
        comes_first: impl Fn(&Path) -> bool,
        found: impl Fn(&Listing) -> bool,
    ) {
        let (mut entries, mut untried) = (Vec::new(), VecDeque::new());
        for (file, stamp) in self.files() {
            let known = self.entries.iter().find(|e| e.file == file).cloned();
            let stays = known.as_ref().is_some_and(|e| self.stays(e, &stamp, at_changes));
            if !stays {
                untried.push_back((file.clone(), stamp.clone()));
            }
            // What can be used stays until what takes its place has been tried.
            let shown = known.filter(|e| stays || e.admitted().is_some() || e.is_due());
            entries.push(shown.unwrap_or_else(|| Entry::new(file, stamp, Fate::Checking)));
        }
        self.changing.retain(|file, _| entries.iter().any(|e| e.file == *file));
        untried.make_contiguous().sort_by_key(|(file, _)| !comes_first(file)); // stable
        self.show(&entries, untried.is_empty());
        let runtime = self.runtime.clone();
        while let Some((file, stamp)) = untried.pop_front() {
            if found(&self.listing) {
                return;
            }
            let take_in = || self.take_in_new(&mut entries, &mut untried);
            let fate = attempt_aside(&runtime, &file, take_in);
            if let Some(entry) = entries.iter_mut().find(|e| e.file == file) {
                *entry = Entry::new(file, stamp, fate).after(entry);
            }
            self.show(&entries, untried.is_empty());
        }
    }

    /// What is in the folders, by folder, then file.
    fn files(&self) -> Vec<(PathBuf, Stamp)> {
        self.folders.iter().flat_map(|folder| folder::files(folder)).collect()
    }

    /// Lists the files that came since the folders were looked at, and has them tried after the
    /// others.
    fn take_in_new(&mut self, entries: &mut Vec<Entry>, untried: &mut VecDeque<(PathBuf, Stamp)>) {
        let mut files = self.files();
        files.retain(|(file, _)| entries.iter().all(|e| e.file != *file));
        if files.is_empty() {
            return;
        }
        for (file, stamp) in files {
            entries.push(Entry::new(file.clone(), stamp.clone(), Fate::Checking));
            untried.push_back((file, stamp));
        }
        let folder = |e: &Entry| self.folders.iter().position(|f| e.file.parent() == Some(f));
        entries.sort_by_cached_key(|e| (folder(e), e.file.clone()));
        self.show(entries, false);
    }

    /// Whether what is known of a file goes on, though its stamp may be another now.
    fn stays(&mut self, entry: &Entry, stamp: &Stamp, at_changes: bool) -> bool {
        if entry.stamp == *stamp {
            self.changing.remove(&entry.file);
            // What was left off is taken up again.
            return !matches!(entry.fate, Fate::Checking) && !entry.is_due();
        }
        if entry.admitted().is_none() {
            return false; // what could not be used is replaced by anything
        }
        if !at_changes {
            return true;
        }
        let before = self.changing.insert(entry.file.clone(), stamp.clone());
        let settled = before.is_some_and(|before| before == *stamp);
        if settled {
            self.changing.remove(&entry.file);
        }
        !settled
    }

    fn show(&mut self, entries: &[Entry], settled: bool) {
        self.entries = entries.to_vec();
        self.names.assign(&mut self.entries, settled);
        let mut sorted = self.entries.clone();
        sorted.sort_by(|a, b| (a.name(), &a.file).cmp(&(b.name(), &b.file)));
        self.listing = Arc::new(Listing { entries: sorted });
        (self.publish)(&self.listing);
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
            State::Refused(_) | State::Checking => None,
        };
        self.entries.iter().filter(called).filter_map(usable).collect()
    }
}

/// Loads and tries a file, on a thread of its own, and does something else now and then until that
/// is done.
fn attempt_aside(runtime: &Runtime, file: &Path, mut meanwhile: impl FnMut()) -> Fate {
    let (tell, told) = mpsc::channel();
    let (its_runtime, its_file) = (runtime.clone(), file.to_owned());
    let started = thread::Builder::new().name("plugin-trial".to_owned()).spawn(move || {
        let _ = tell.send(attempt(&its_runtime, &its_file)); // we wait for it
    });
    if let Err(error) = started {
        tracing::warn!(%error, "no thread to try a plugin on");
        return attempt(runtime, file);
    }
    loop {
        match told.recv_timeout(LOOK_PERIOD) {
            Ok(fate) => return fate,
            Err(RecvTimeoutError::Timeout) => meanwhile(),
            Err(RecvTimeoutError::Disconnected) => return failed_over_it(),
        }
    }
}

fn failed_over_it() -> Fate {
    Fate::Unreadable("the runtime failed over it".to_owned())
}

/// Loads and tries a file. Whatever it makes the host do, the others are looked at all the same.
fn attempt(runtime: &Runtime, file: &Path) -> Fate {
    let most = runtime.settings().most_component_bytes();
    let bytes = match folder::read(file, most) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            let reason = format!("it has more than the {most} bytes a plugin may have");
            return Fate::Unreadable(reason);
        }
        Err(error) => return Fate::Unreadable(error.to_string()),
    };
    match catch_unwind(AssertUnwindSafe(|| runtime.examine(stem(file), &bytes))) {
        Ok((report, plugin)) => Fate::Tried(Arc::new(report), plugin),
        Err(_) => {
            tracing::error!(file = %file.display(), "trying a plugin panicked");
            failed_over_it()
        }
    }
}
