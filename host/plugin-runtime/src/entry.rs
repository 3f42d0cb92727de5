//! A file in a plugin folder, and what became of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::folder::Stamp;
use crate::{Plugin, Report};

/// The pause before a plugin that was too slow is tried again, the first time.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// A file and what became of it.
#[derive(Clone)]
pub struct Entry {
    pub(crate) file: PathBuf,
    pub(crate) stamp: Stamp,
    pub(crate) fate: Fate,
    /// The file that has its name.
    pub(crate) taken_by: Option<PathBuf>,
    /// When it is worth another try, and the pause before the one after that.
    pub(crate) again: Option<(Instant, Duration)>,
}

/// What became of a file.
#[derive(Clone)]
pub(crate) enum Fate {
    /// Nothing yet.
    Checking,
    /// It could not be read.
    Unreadable(String),
    /// It was tried.
    Tried(Arc<Report>, Option<Plugin>),
}

/// Whether a file can be used.
#[derive(Debug)]
pub enum State<'a> {
    /// It can.
    Loaded(&'a Plugin),
    /// It can't, and why.
    Refused(String),
    /// It is not known yet.
    Checking,
}

impl Entry {
    pub(crate) fn new(file: PathBuf, stamp: Stamp, fate: Fate) -> Self {
        Entry { file, stamp, fate, taken_by: None, again: None }
    }

    /// Has it tried again where it was refused for its time: after a pause, which doubles each
    /// time.
    pub(crate) fn after(mut self, before: &Entry) -> Self {
        if self.report().is_some_and(|report| report.too_slow) {
            let same = before.again.filter(|_| before.stamp == self.stamp);
            let pause = same.map_or(FIRST_PAUSE, |(_, pause)| pause);
            self.again = Some((Instant::now() + pause, (pause * 2).min(LONGEST_PAUSE)));
        }
        self
    }

    /// Whether it is time to try it again.
    pub(crate) fn is_due(&self) -> bool {
        self.again.is_some_and(|(at, _)| Instant::now() >= at)
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The name the plugin gives itself; that of the file where it could not say.
    pub fn name(&self) -> &str {
        let told = self.report().and_then(|report| report.name.as_deref());
        told.unwrap_or_else(|| stem(&self.file))
    }

    /// `hash`, `placement`, or `unknown` where it could not be loaded.
    pub fn kind(&self) -> &str {
        self.report().and_then(|report| report.kind.as_deref()).unwrap_or("unknown")
    }

    /// SHA-256 of the file in hex, where it could be read.
    pub fn digest(&self) -> Option<&str> {
        self.report().map(|report| report.digest.as_str())
    }

    /// The version of the plugin interface it was built for, where that could be read.
    pub fn api(&self) -> Option<&str> {
        self.report().and_then(|report| report.api.as_deref())
    }

    /// What admission found, where the file could be read.
    pub fn report(&self) -> Option<&Report> {
        match &self.fate {
            Fate::Tried(report, _) => Some(report),
            Fate::Checking | Fate::Unreadable(_) => None,
        }
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
        match (&self.fate, &self.taken_by) {
            (Fate::Checking, _) => State::Checking,
            (Fate::Unreadable(reason), _) => State::Refused(reason.clone()),
            (Fate::Tried(_, Some(plugin)), None) => State::Loaded(plugin),
            (Fate::Tried(_, Some(_)), Some(first)) => {
                State::Refused(format!("{} has its name", first.display()))
            }
            (Fate::Tried(report, None), _) => {
                State::Refused(report.refusal().unwrap_or_default().to_owned())
            }
        }
    }

    /// The plugin, where it was admitted, though its name may be another's.
    pub(crate) fn admitted(&self) -> Option<&Plugin> {
        match &self.fate {
            Fate::Tried(_, plugin) => plugin.as_ref(),
            Fate::Checking | Fate::Unreadable(_) => None,
        }
    }
}

/// A file's name without its extension.
pub(crate) fn stem(file: &Path) -> &str {
    file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;
    use crate::{CallError, LoadError, admission, folder};

    fn entry(bytes: &str, error: CallError) -> Entry {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("p.wasm"), bytes).unwrap();
        let (file, stamp) = folder::files(folder.path()).remove(0);
        let error = LoadError::Describe(error);
        let report = admission::unloadable(String::new(), None, bytes.len(), &error);
        Entry::new(file, stamp, Fate::Tried(Arc::new(report), None))
    }

    fn pause(entry: &Entry) -> Option<Duration> {
        entry.again.map(|(_, pause)| pause)
    }

    #[test]
    fn what_was_too_slow_is_tried_again_ever_later() {
        let mut slow = entry("junk", CallError::TimedOut);
        slow = slow.clone().after(&slow);
        assert!(!slow.is_due());
        assert_eq!(pause(&slow), Some(2 * FIRST_PAUSE));
        slow.again = Some((Instant::now(), 2 * FIRST_PAUSE));
        assert!(slow.is_due());
        slow = slow.clone().after(&slow);
        assert!(!slow.is_due());
        assert_eq!(pause(&slow), Some(4 * FIRST_PAUSE));
        for _ in 0..20 {
            slow = slow.clone().after(&slow);
        }
        assert_eq!(pause(&slow), Some(LONGEST_PAUSE));
        let another = entry("other", CallError::TimedOut).after(&slow);
        assert_eq!(pause(&another), Some(2 * FIRST_PAUSE), "another file begins anew");
        let trap = entry("junk", CallError::Trap(String::new()));
        assert_eq!(pause(&trap.clone().after(&trap)), None, "it will again");
    }
}
