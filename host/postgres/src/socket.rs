//! The folder of the Unix socket. Whoever can enter it is let in without a password, so only the
//! owner can.

use std::fs::Permissions;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::PostgresError;
use crate::account::Account;
use crate::error::at;
use crate::folder::{Folder, create_private, remove};

/// The longest path a socket may have.
const PATH_BYTES: usize = 107;

const PREFIX: &str = "ringwright-postgres-";

/// A folder for the socket.
pub(crate) struct Socket {
    pub(crate) dir: PathBuf,
    /// Where the folder's own is too deep, one elsewhere; `run` is a link to it then.
    _elsewhere: Option<TempDir>,
}

impl Socket {
    /// A folder without a socket, for one of that port.
    pub(crate) fn prepare(
        folder: &Folder,
        port: u16,
        account: &Account,
    ) -> Result<Self, PostgresError> {
        let run = folder.run();
        // What a Postgres before left may name a process that has that number today.
        remove_elsewhere(&run)?;
        remove(&run)?;
        let socket = run.join(format!(".s.PGSQL.{port}"));
        if socket.as_os_str().as_bytes().len() <= PATH_BYTES {
            create_private(&run, account)?;
            return Ok(Socket { dir: run, _elsewhere: None });
        }
        let private = Permissions::from_mode(0o700);
        let elsewhere = tempfile::Builder::new().prefix(PREFIX).permissions(private).tempdir();
        let elsewhere = elsewhere.map_err(at(&std::env::temp_dir()))?;
        account.own(elsewhere.path())?;
        account.check_entry(elsewhere.path())?;
        std::os::unix::fs::symlink(elsewhere.path(), &run).map_err(at(&run))?;
        Ok(Socket { dir: elsewhere.path().to_owned(), _elsewhere: Some(elsewhere) })
    }
}

/// Removes the folder that `run` is a link to, where it is one of ours.
fn remove_elsewhere(run: &Path) -> Result<(), PostgresError> {
    let Ok(elsewhere) = std::fs::read_link(run) else { return Ok(()) };
    let name = elsewhere.file_name().unwrap_or_default().as_bytes();
    if elsewhere.parent() == Some(&std::env::temp_dir()) && name.starts_with(PREFIX.as_bytes()) {
        remove(&elsewhere)?;
    }
    Ok(())
}
