//! The folder a Postgres owns.
//!
//! It holds `postgres.lock`, which says that somebody runs a Postgres here; `data`, the database
//! cluster; `pg_hba.conf`, who may connect; and `run`, where the socket is. Where Postgres runs as
//! another user than we do, `data` and `run` belong to them, and the folder itself to us: in a
//! folder of theirs they could have us write to any file that a link there names.

use std::fs::{DirBuilder, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::PostgresError;
use crate::account::Account;
use crate::error::at;

/// A folder that is ours while the lock is held.
pub(crate) struct Folder {
    dir: PathBuf,
    /// Goes with the process, whatever ends it: it is never stale.
    pub(crate) lock: File,
}

impl Folder {
    /// Makes the folder where there is none, and takes it.
    pub(crate) fn open(dir: &Path, account: &Account) -> Result<Self, PostgresError> {
        std::fs::create_dir_all(dir).map_err(at(dir))?;
        let dir = dir.canonicalize().map_err(at(dir))?;
        account.let_through(&dir)?;
        let path = dir.join("postgres.lock");
        let lock = File::options().create(true).append(true).open(&path).map_err(at(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(PostgresError::InUse(dir)),
            Err(TryLockError::Error(error)) => return Err(at(&path)(error)),
        }
        account.check_entry(&dir)?;
        Ok(Folder { dir, lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    /// The database cluster: there whole, or not at all.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// A cluster that is being made.
    pub(crate) fn new_data(&self) -> PathBuf {
        self.dir.join("data.new")
    }

    pub(crate) fn hba(&self) -> PathBuf {
        self.dir.join("pg_hba.conf")
    }

    pub(crate) fn run(&self) -> PathBuf {
        self.dir.join("run")
    }
}

/// Writes a file that everybody may read.
pub(crate) fn publish(path: &Path, text: &str) -> Result<(), PostgresError> {
    std::fs::write(path, text).map_err(at(path))?;
    std::fs::set_permissions(path, Permissions::from_mode(0o644)).map_err(at(path))
}

/// Makes a folder that only its owner may enter.
pub(crate) fn create_private(dir: &Path, account: &Account) -> Result<(), PostgresError> {
    DirBuilder::new().mode(0o700).create(dir).map_err(at(dir))?;
    account.own(dir)
}

/// Removes a folder and what is in it, or a file; none is removed already.
pub(crate) fn remove(path: &Path) -> Result<(), PostgresError> {
    let removed = match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}
