//! What a Postgres before ours left in the folder: a program that was killed may have left one
//! that runs, and a machine that lost power files that name processes of before.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::PostgresError;
use crate::error::at;
use crate::folder::remove;

/// How long each signal is given. By itself Postgres gives its children 5 s to end at once.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

/// Ends every process of a Postgres on that data, and forgets it. The caller holds the lock, so
/// that none of them is anybody's.
pub(crate) fn end(data: &Path) -> Result<(), PostgresError> {
    let folder = match Place::of(data) {
        Ok(folder) => folder,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(at(data)(error)),
    };
    for signal in [Signal::QUIT, Signal::KILL] {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let Found { left, unseen } = Found::at(&folder);
            if left.is_empty() {
                return if unseen { Ok(()) } else { forget(data) };
            }
            for (pid, process) in &left {
                tracing::debug!(pid, ?signal, "ending a process of a Postgres before");
                // An error means that it has ended, or that the next look finds it again.
                let _ = pidfd_send_signal(process, signal);
            }
            std::thread::sleep(POLL);
        }
        tracing::warn!(data = %data.display(), ?signal, "a Postgres before ours does not end");
    }
    Err(PostgresError::Leftover(data.to_owned()))
}

/// Removes the file that names the process of before: another may have that number today, which
/// Postgres would take for one of its own.
fn forget(data: &Path) -> Result<(), PostgresError> {
    remove(&data.join("postmaster.pid"))
}

/// A folder itself. Its path may mean another to a process that sees other mounts, as those in
/// containers do.
#[derive(PartialEq)]
struct Place {
    device: u64,
    inode: u64,
}

impl Place {
    fn of(path: &Path) -> io::Result<Self> {
        let found = std::fs::metadata(path)?;
        Ok(Place { device: found.dev(), inode: found.ino() })
    }
}

/// What runs.
#[derive(Default)]
struct Found {
    /// The processes of a Postgres on the data: its own folder is where they all are.
    left: Vec<(i32, OwnedFd)>,
    /// Whether one of a Postgres may not be looked at. Should it be on the data, after all,
    /// Postgres itself is to find it by what it left there.
    unseen: bool,
}

impl Found {
    fn at(folder: &Place) -> Self {
        let numbers = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let mut found = Found::default();
        for pid in numbers {
            found.look(pid, folder);
        }
        found
    }

    fn look(&mut self, number: i32, folder: &Place) {
        let Some(pid) = Pid::from_raw(number) else { return };
        // Held first and looked at then: from here on the number means this very process.
        let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return };
        let name = std::fs::read_to_string(format!("/proc/{number}/comm")).unwrap_or_default();
        if name.trim_end() != "postgres" {
            return;
        }
        match Place::of(Path::new(&format!("/proc/{number}/cwd"))) {
            Ok(place) if place == *folder => self.left.push((number, process)),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => self.unseen = true,
            // It is elsewhere, or has ended.
            _ => {}
        }
    }
}
