//! Folders of plugin files: what lies there, and what became of each since it was last looked at.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What tells that a file has changed. A file that is copied over another may keep its length
/// and bring its time along; the time it was changed here, or its number, tells it then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) bytes: u64,
    modified: Option<SystemTime>,
    /// Seconds and nanoseconds.
    changed: (i64, i64),
    inode: u64,
}

impl Stamp {
    #[cfg(unix)]
    fn of(about: &fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Stamp {
            bytes: about.len(),
            modified: about.modified().ok(),
            changed: (about.ctime(), about.ctime_nsec()),
            inode: about.ino(),
        }
    }

    #[cfg(not(unix))]
    fn of(about: &fs::Metadata) -> Self {
        Stamp { bytes: about.len(), modified: about.modified().ok(), changed: (0, 0), inode: 0 }
    }
}

/// The plugin files of a folder, by name.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Stamp)> {
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
            plugin.then(|| (path, Stamp::of(&about)))
        })
        .collect();
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    files
}

/// A file's bytes, unless there are more than `most`: of those no more is read than tells so.
pub(crate) fn read(file: &Path, most: usize) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(file)?;
    let most_read = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    if file.metadata()?.len() >= most_read {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.take(most_read).read_to_end(&mut bytes)?; // it may grow meanwhile
    Ok((bytes.len() <= most).then_some(bytes))
}
