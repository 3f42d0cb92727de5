//! A server's folder, and what it tells about who runs in it.
//!
//! A server holds `server.lock` for its life, and writes `pid` and then `address` once it
//! listens. The lock goes with the process whatever ends it; the two files do not, and are
//! believed only while the process they name has the lock's file open.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::Pid;

use crate::error::{ControlError, at};
use crate::server::Process;

/// A log this long is put aside at the next start, and the one put aside before it deleted.
const LOG_BYTES: u64 = 8 << 20;

/// How much of a log's end is told.
const TAIL_BYTES: u64 = 4096;
const TAIL_LINES: usize = 10;

/// A server's folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    dir: PathBuf,
}

/// Who runs in a folder.
pub(crate) enum Occupant {
    /// Nobody.
    Nobody,
    /// A process that has not said yet, or says no more, which it is and where it listens.
    Somebody,
    /// A server that listens there.
    Server(Process, String),
}

impl Folder {
    pub(crate) fn new(servers_dir: &Path, name: &str) -> Self {
        Folder { dir: servers_dir.join(name) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    /// Makes the folder where there is none, and takes out what a server before left: an
    /// address, that somebody else may have by now.
    pub(crate) fn prepare(&self) -> Result<(), ControlError> {
        std::fs::create_dir_all(&self.dir).map_err(at(&self.dir))?;
        let address = self.dir.join("address");
        match std::fs::remove_file(&address) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&address)(error)),
            _ => Ok(()),
        }
    }

    /// Puts the folder aside, under a name that no server can have.
    pub(crate) fn put_aside(&self) -> Result<(), ControlError> {
        let (Some(dir), Some(name)) = (self.dir.parent(), self.dir.file_name()) else {
            return Ok(());
        };
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let aside = dir.join(format!(".{}.{}", name.display(), time.as_nanos()));
        match std::fs::rename(&self.dir, &aside) {
            Ok(()) => {
                let (name, aside) = (name.display(), aside.display());
                tracing::warn!(server = %name, "what a server before it left was put in {aside}");
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(at(&self.dir)(error)),
        }
    }

    /// Opens the log to append to; also gives its length now.
    pub(crate) fn open_log(&self) -> Result<(File, u64), ControlError> {
        let path = self.log_path();
        let open = || {
            if std::fs::metadata(&path).is_ok_and(|log| log.len() >= LOG_BYTES) {
                std::fs::rename(&path, self.dir.join("server.log.old"))?;
            }
            let file = File::options().create(true).append(true).open(&path)?;
            let length = file.metadata()?.len();
            Ok((file, length))
        };
        open().map_err(at(&path))
    }

    /// The last lines written to the log after its first `from` bytes; best effort.
    pub(crate) fn log_tail(&self, from: u64) -> String {
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(self.log_path())?;
            let end = file.metadata()?.len();
            file.seek(SeekFrom::Start(from.max(end.saturating_sub(TAIL_BYTES))))?;
            let mut bytes = Vec::new();
            file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.trim_end().lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    /// Whether a server runs here.
    ///
    /// Asking takes the lock for an instant, so that a server that starts in that instant would
    /// find it taken: do not ask while one is about to.
    pub(crate) fn is_occupied(&self) -> Result<bool, ControlError> {
        let path = self.lock_path();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(at(&path)(error)),
        };
        match file.try_lock() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(at(&path)(error)),
        }
    }

    /// Who runs here; the caution of [`is_occupied`](Self::is_occupied) holds.
    pub(crate) fn occupant(&self) -> Result<Occupant, ControlError> {
        if !self.is_occupied()? {
            return Ok(Occupant::Nobody);
        }
        Ok(match self.server() {
            Some((process, address)) => Occupant::Server(process, address),
            None => Occupant::Somebody,
        })
    }

    /// The server that listens here, as far as the files can be believed.
    pub(crate) fn server(&self) -> Option<(Process, String)> {
        let read = |name| std::fs::read_to_string(self.dir.join(name)).ok();
        let address =
            read("address").map(|text| text.trim().to_owned()).filter(|a| !a.is_empty())?;
        let pid = Pid::from_raw(read("pid")?.trim().parse().ok()?)?;
        // Held first and looked at then: from here on the number means this very process.
        let process = Process::open(pid).ok()?;
        self.has_lock_open(pid).then_some((process, address))
    }

    fn has_lock_open(&self, pid: Pid) -> bool {
        let Ok(lock) = self.lock_path().canonicalize() else { return false };
        let Ok(open) = std::fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero())) else {
            return false;
        };
        open.flatten().any(|fd| std::fs::read_link(fd.path()).is_ok_and(|target| target == lock))
    }

    fn lock_path(&self) -> PathBuf {
        self.dir.join("server.lock")
    }

    fn log_path(&self) -> PathBuf {
        self.dir.join("server.log")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn a_log_does_not_grow_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path(), "s1");
        folder.prepare().unwrap();
        let old = folder.path().join("server.log.old");
        std::fs::write(folder.log_path(), "short").unwrap();
        assert_eq!(folder.open_log().unwrap().1, 5);
        assert!(!old.exists());
        for _ in 0..2 {
            let log = File::options().write(true).open(folder.log_path()).unwrap();
            log.set_len(LOG_BYTES).unwrap();
            assert_eq!(folder.open_log().unwrap().1, 0);
            assert_eq!(std::fs::metadata(&old).unwrap().len(), LOG_BYTES);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_tail_is_of_this_run_and_short() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path(), "s1");
        assert_eq!(folder.log_tail(0), "");
        folder.prepare().unwrap();
        std::fs::write(folder.log_path(), "old\nnew 1\nnew 2\n").unwrap();
        assert_eq!(folder.log_tail(4), "new 1\nnew 2");
        let long: String = (0..5000).map(|n| format!("{n}\n")).collect();
        std::fs::write(folder.log_path(), long).unwrap();
        let tail = folder.log_tail(4);
        assert_eq!(
            tail.lines().collect::<Vec<_>>(),
            Vec::from_iter((4990..5000).map(|n| n.to_string()))
        );
    }
}
