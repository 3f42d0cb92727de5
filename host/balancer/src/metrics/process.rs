//! The process: what it takes of the machine. By the names that every Prometheus client uses.

use std::fs;

use prometheus::Result;
use ringwright_metrics::{amount, measure};
use rustix::param::{clock_ticks_per_second, page_size};

use super::scrape::Scrape;

/// Tells what the system does; elsewhere than on Linux, nothing.
pub(super) fn tell(scrape: &Scrape) -> Result<()> {
    let Some(told) = Told::read() else { return Ok(()) };
    let ticks = clock_ticks_per_second() as f64;
    let help = "Processor time in user and system mode.";
    scrape.tell(amount("process_cpu_seconds_total", help, &[]))?.inc_by(told.cpu_ticks / ticks);
    let gauges = [
        (
            "process_resident_memory_bytes",
            "Memory that is resident.",
            told.resident_pages * page_size() as f64,
        ),
        ("process_virtual_memory_bytes", "Memory that is mapped.", told.virtual_bytes),
        ("process_threads", "Threads.", told.threads),
        ("process_open_fds", "Files that are open.", told.open_files),
        ("process_max_fds", "Files that may be open.", told.most_files),
        (
            "process_start_time_seconds",
            "When the process started, since 1970.",
            told.booted + told.started_ticks / ticks,
        ),
    ];
    for (name, help, value) in gauges {
        scrape.tell(measure(name, help, &[]))?.set(value);
    }
    Ok(())
}

/// What `/proc` says.
#[derive(Debug)]
struct Told {
    cpu_ticks: f64,
    threads: f64,
    started_ticks: f64,
    booted: f64,
    virtual_bytes: f64,
    resident_pages: f64,
    open_files: f64,
    most_files: f64,
}

impl Told {
    fn read() -> Option<Told> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The name before it may hold blanks and brackets.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        // As proc(5) numbers them, from 1; the first here is the third there.
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let limits = fs::read_to_string("/proc/self/limits").ok()?;
        let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
        let system = fs::read_to_string("/proc/stat").ok()?;
        let booted = system.lines().find_map(|line| line.strip_prefix("btime "))?;
        Some(Told {
            cpu_ticks: field(14)? + field(15)?,
            threads: field(20)?,
            started_ticks: field(22)?,
            booted: booted.parse().ok()?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
            open_files: fs::read_dir("/proc/self/fd").ok()?.count() as f64,
            // The soft limit: what is enforced.
            most_files: files.split_whitespace().next()?.parse().unwrap_or(f64::INFINITY),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn the_process_is_found() {
        let told = Told::read().unwrap();
        assert!(told.threads >= 1.0 && told.open_files >= 3.0, "{told:?}");
        assert!(told.open_files <= told.most_files, "{told:?}");
        assert!(told.virtual_bytes > told.resident_pages, "{told:?}");
    }
}
