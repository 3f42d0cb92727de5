//! What a Postgres before ours left in the folder: a program that was killed may have left one
//! that runs, and a machine that lost power files that name processes of before.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::PostgresError;
use crate::folder::remove;

/// How long each signal is given. By itself Postgres gives its children 5 s to end at once.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

/// Ends every process of a Postgres on that data, and forgets it. The caller holds the lock, so
/// that none of them is anybody's.
pub(crate) fn end(data: &Path) -> Result<(), PostgresError> {
    for signal in [Signal::QUIT, Signal::KILL] {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let left = processes(data);
            if left.is_empty() {
                // It may name a process that has that number today, which Postgres would take
                // for one of its own.
                return remove(&data.join("postmaster.pid"));
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

/// The processes of a Postgres on that data: its own folder is where they all are.
fn processes(data: &Path) -> Vec<(i32, OwnedFd)> {
    let numbers = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let of_it = |pid: i32| {
        // Held first and looked at then: from here on the number means this very process.
        let process = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
        let is_there = std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|dir| dir == data);
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        (is_there && name.trim_end() == "postgres").then_some((pid, process))
    };
    numbers.filter_map(of_it).collect()
}
