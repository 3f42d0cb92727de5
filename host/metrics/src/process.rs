//! What this process takes of the machine, as Linux tells it.

use std::fs;

use rustix::param::{clock_ticks_per_second, page_size};

#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) cpu_seconds: f64,
    resident_bytes: f64,
    virtual_bytes: f64,
    threads: f64,
    open_files: f64,
    most_files: f64,
    /// Since 1970.
    started_seconds: f64,
}

impl Process {
    /// As it is now; nothing where the system has no `/proc` like Linux'.
    pub(crate) fn now() -> Option<Process> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The name before it may hold blanks and brackets.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        // As proc(5) numbers them, from 1; the first here is the third there.
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let limits = fs::read_to_string("/proc/self/limits").ok()?;
        let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
        let system = fs::read_to_string("/proc/stat").ok()?;
        let booted = system.lines().find_map(|line| line.strip_prefix("btime "))?;
        let ticks = clock_ticks_per_second() as f64;
        Some(Process {
            cpu_seconds: (field(14)? + field(15)?) / ticks,
            resident_bytes: field(24)? * page_size() as f64,
            virtual_bytes: field(23)?,
            threads: field(20)?,
            open_files: fs::read_dir("/proc/self/fd").ok()?.count() as f64,
            // The soft limit comes first: it is what counts.
            most_files: files.split_whitespace().next()?.parse().unwrap_or(f64::INFINITY),
            started_seconds: booted.parse::<f64>().ok()? + field(22)? / ticks,
        })
    }

    /// Name, help and value of each.
    pub(crate) fn gauges(&self) -> [(&'static str, &'static str, f64); 6] {
        [
            ("process_resident_memory_bytes", "Memory that is resident.", self.resident_bytes),
            ("process_virtual_memory_bytes", "Memory that is mapped.", self.virtual_bytes),
            ("process_threads", "Threads.", self.threads),
            ("process_open_fds", "Files that are open.", self.open_files),
            ("process_max_fds", "Files that may be open.", self.most_files),
            (
                "process_start_time_seconds",
                "When the process started, in seconds since 1970.",
                self.started_seconds,
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    #[test]
    fn this_process_is_found() {
        let now = Process::now().unwrap();
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        assert!((0.0..3600.0).contains(&(since - now.started_seconds)), "{now:?}");
        assert!(now.threads >= 1.0 && (3.0..=now.most_files).contains(&now.open_files), "{now:?}");
        assert!((1e5..=now.virtual_bytes).contains(&now.resident_bytes), "{now:?}");
        assert!((0.0..3600.0).contains(&now.cpu_seconds), "{now:?}");
    }
}
