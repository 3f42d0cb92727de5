//! What the host grants a plugin.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::Grant;

/// Limits, and where compiled plugins are kept.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Folder of compiled plugins, so that a plugin is compiled once; `None` to keep none.
    ///
    /// What lies there is run as it is: nobody else may write to it.
    pub cache_dir: Option<PathBuf>,
    /// The largest component that is taken. One that brings a Python along has 18 MB.
    pub component_bytes: usize,
    /// The memory an instance may grow to. Enough for Rust and C; a plugin that brings a
    /// Python or a JavaScript along should have 64 MiB, by a grant of its own.
    pub memory_bytes: usize,
    /// The most data one answer may carry. What is asked bounds it further: so many slots, so
    /// many points.
    pub answer_bytes: usize,
    /// The longest a slot may take. A healthy one takes a thousandth of it; the rest is for a
    /// thread that has to wait for its processor.
    pub slot_deadline: Duration,
    /// The longest an instance may take to start where a request waits for it.
    pub start_deadline: Duration,
    /// The longest anything else may take: a batch of slots, a layout, a plan, starting
    /// up where nobody waits.
    pub work_deadline: Duration,
    /// The longest that trying a plugin may take, all its calls together.
    pub trial_deadline: Duration,
    /// What single plugins are granted instead, by the name of their file without its extension,
    /// or by their digest.
    pub grants: BTreeMap<String, Grant>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            cache_dir: None,
            component_bytes: 32 << 20,
            memory_bytes: 16 << 20,
            answer_bytes: 16 << 20,
            slot_deadline: Duration::from_millis(20),
            start_deadline: Duration::from_millis(100),
            work_deadline: Duration::from_secs(1),
            trial_deadline: Duration::from_secs(20),
            grants: BTreeMap::new(),
        }
    }
}
