//! The data folder: everything the balancer keeps.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// A data folder that is ours while this lives.
pub struct DataFolder {
    path: PathBuf,
    /// The lock goes with the process, whatever ends it: it is never stale.
    _lock: File,
}

impl DataFolder {
    /// Makes the folder where there is none, and takes it.
    ///
    /// # Errors
    /// Where it cannot be written, or another balancer uses it.
    pub fn open(path: &Path) -> Result<Self> {
        let advice = "choose another with --data-dir or RINGWRIGHT_DATA_DIR";
        std::fs::create_dir_all(path)
            .with_context(|| format!("cannot make the data folder {}; {advice}", path.display()))?;
        // Absolute, for the servers that are started with it.
        let path = path.canonicalize().with_context(|| path.display().to_string())?;
        let lock = path.join("balancer.lock");
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&lock)
            .with_context(|| {
                format!("cannot write to the data folder {}; {advice}", path.display())
            })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // It may not have written it yet; the message does without then.
                let _ = file.read_to_string(&mut pid);
                bail!("the data folder {} is in use by process {pid}; {advice}", path.display());
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", lock.display()));
            }
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{}", std::process::id())
        };
        write(&mut file).with_context(|| format!("cannot write to {}", lock.display()))?;
        Ok(DataFolder { path, _lock: file })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The metadata store's file.
    pub fn metadata(&self) -> PathBuf {
        self.path.join("metadata.sqlite")
    }

    /// The file of what the shard servers know their balancer by.
    pub fn secret(&self) -> PathBuf {
        self.path.join("secret")
    }

    /// The shard servers' folders.
    pub fn servers(&self) -> PathBuf {
        self.path.join("servers")
    }

    /// The folder of compiled plugins.
    pub fn compiled_plugins(&self) -> PathBuf {
        self.path.join("compiled-plugins")
    }

    /// The folder of plugins that came over the API.
    pub fn uploads(&self) -> PathBuf {
        self.path.join("plugins")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn a_folder_is_taken_once_and_a_lock_left_behind_is_no_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new");
        let folder = DataFolder::open(&path).unwrap();
        let refused = format!("{:#}", DataFolder::open(&path).err().unwrap());
        assert!(
            refused.contains(&format!("in use by process {}", std::process::id())),
            "{refused}"
        );
        drop(folder);
        std::fs::write(path.join("balancer.lock"), "999999999").unwrap();
        assert!(DataFolder::open(&path).is_ok());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refused = format!("{:#}", DataFolder::open(&file.path().join("x")).err().unwrap());
        assert!(refused.contains("cannot make the data folder"), "{refused}");
    }
}
