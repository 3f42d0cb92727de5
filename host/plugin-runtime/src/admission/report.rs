//! What admission found.

use serde::{Deserialize, Serialize};

/// What admission found about a plugin file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The version of the admission that made it.
    pub admission: u32,
    /// SHA-256 of the file, in hex.
    pub digest: String,
    /// The version of the plugin interface it was built for, where that could be read.
    pub api: Option<String>,
    /// `hash` or `placement`, where it loaded.
    pub kind: Option<String>,
    /// The name it gives itself, where it loaded.
    pub name: Option<String>,
    /// What it must do, in the order in which it was tried; the first that failed is the last.
    pub checks: Vec<Check>,
    /// What it says it cannot do.
    pub limits: Vec<String>,
    /// How well it does its task.
    pub measures: Vec<Measure>,
    /// From 0 to 100; of an admitted plugin alone.
    pub score: Option<u8>,
    /// Whether it was refused for the time it took, which may be the machine's fault: it is tried
    /// again, ever later.
    pub too_slow: bool,
    /// What it takes, on the machine that tried it.
    pub cost: Cost,
}

/// A thing a plugin must do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// Whether the plugin did it.
    pub passed: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// A thing a plugin does better or worse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Its name.
    pub name: String,
    /// What it is a part of: `balance` or `moves`.
    pub part: String,
    /// What was measured; none where the plugin says that it cannot do it.
    pub value: Option<f64>,
    /// What would be perfect.
    pub ideal: f64,
    /// From 0 to 100; none where nothing was measured.
    pub points: Option<f64>,
}

/// What a plugin takes; none where it was not measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Bytes of its file.
    pub component_bytes: u64,
    /// Compiling it, in nanoseconds.
    pub compile_ns: Option<u64>,
    /// Starting an instance, in nanoseconds.
    pub start_ns: Option<u64>,
    /// One slot, asked for alone, in nanoseconds.
    pub slot_ns: Option<f64>,
    /// One slot of many that are asked for at once, in nanoseconds.
    pub batched_slot_ns: Option<f64>,
    /// A layout of 30 servers, in nanoseconds.
    pub layout_ns: Option<u64>,
    /// A plan for 24 copies, in nanoseconds.
    pub plan_ns: Option<u64>,
    /// The memory of an instance that has worked.
    pub memory_bytes: Option<u64>,
}

impl Report {
    /// Why the plugin may not be used; `None` where it may.
    pub fn refusal(&self) -> Option<&str> {
        let failed = self.checks.iter().find(|check| !check.passed)?;
        Some(failed.reason.as_deref().unwrap_or(&failed.name))
    }

    /// How well it does its task, from 0 to 100; `None` where it may not be used.
    pub fn score(&self) -> Option<u8> {
        self.score
    }
}
