//! The database cluster: made once, and of one major version.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::PostgresError;
use crate::account::Account;
use crate::binaries::{Binaries, major};
use crate::error::at;
use crate::folder::{Folder, create_private, remove};

/// The role that owns everything, and the database of that name.
pub(crate) const ROLE: &str = "ringwright";

/// Makes the cluster where there is none, and sees that these programs can run it.
pub(crate) fn prepare(
    folder: &Folder,
    binaries: &Binaries,
    account: &Account,
) -> Result<(), PostgresError> {
    let data = folder.data();
    let version = data.join("PG_VERSION");
    if !version.try_exists().map_err(at(&version))? {
        return create(folder, binaries, account);
    }
    account.own_all(&data)?;
    let said = std::fs::read_to_string(&version).map_err(at(&version))?;
    match major(&said) {
        Some(data) if data != binaries.version => Err(PostgresError::Version {
            dir: folder.data(),
            data,
            binaries: binaries.dir.clone(),
            program: binaries.version,
        }),
        // What has no number Postgres itself knows more about.
        _ => Ok(()),
    }
}

/// Whether there is something in the way of a cluster: anything but an empty folder.
fn is_taken(data: &Path) -> Result<bool, PostgresError> {
    match std::fs::read_dir(data) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(at(data)(error)),
    }
}

/// Makes a cluster elsewhere and puts it in place whole: one cut short is never taken for one.
fn create(folder: &Folder, binaries: &Binaries, account: &Account) -> Result<(), PostgresError> {
    let (new, data) = (folder.new_data(), folder.data());
    if is_taken(&data)? {
        return Err(PostgresError::NoCluster(data));
    }
    remove(&new)?;
    create_private(&new, account)?;
    // initdb waits for nobody: it may go at once.
    let made = account
        .command(&binaries.initdb(), "KILL")
        .args(["--data-checksums", "--encoding=UTF8", "--locale=C", "--username", ROLE])
        // Ours is the pg_hba.conf that counts; this one lets nobody in by mistake.
        .args(["--auth-local=trust", "--auth-host=scram-sha-256", "--pgdata"])
        .arg(&new)
        .output()
        .map_err(PostgresError::system(binaries.initdb().display().to_string()))?;
    if !made.status.success() {
        if let Err(error) = remove(&new) {
            tracing::warn!(%error, "initdb failed and left something behind");
        }
        let log = String::from_utf8_lossy(&made.stderr).trim_end().to_owned();
        return Err(PostgresError::Init { status: made.status.to_string(), log });
    }
    std::fs::rename(&new, &data).map_err(at(&data))?;
    // initdb has written its files to disk; this is their folder's name.
    File::open(folder.path()).and_then(|dir| dir.sync_all()).map_err(at(folder.path()))?;
    tracing::info!(data = %data.display(), version = binaries.version, "Postgres initialised");
    Ok(())
}
