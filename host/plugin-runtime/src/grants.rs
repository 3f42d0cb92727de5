//! What each plugin may use.

use std::time::Duration;

use crate::Settings;

/// What one plugin is granted other than the rest; `None` is what all get.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// The memory an instance may grow to.
    pub memory_bytes: Option<usize>,
    /// The largest file it may come as.
    pub component_bytes: Option<usize>,
    /// The longest anything but a slot may take.
    pub work_deadline: Option<Duration>,
}

/// What a plugin may use, all told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Granted {
    pub(crate) component_bytes: usize,
    pub(crate) memory_bytes: usize,
    pub(crate) answer_bytes: usize,
    pub(crate) slot_deadline: Duration,
    pub(crate) start_deadline: Duration,
    pub(crate) work_deadline: Duration,
    pub(crate) trial_deadline: Duration,
}

impl Settings {
    /// What the plugin of a file of that name, without its extension, or of that digest may use.
    /// What is said of a digest goes before what is said of a name.
    pub(crate) fn granted(&self, names: &[&str]) -> Granted {
        let mut granted = Granted {
            component_bytes: self.component_bytes,
            memory_bytes: self.memory_bytes,
            answer_bytes: self.answer_bytes,
            slot_deadline: self.slot_deadline,
            start_deadline: self.start_deadline,
            work_deadline: self.work_deadline,
            trial_deadline: self.trial_deadline,
        };
        for grant in names.iter().filter_map(|name| self.grants.get(*name)) {
            granted.apply(grant);
        }
        granted
    }

    /// The largest file that any plugin may come as.
    pub(crate) fn most_component_bytes(&self) -> usize {
        let granted = self.grants.values().filter_map(|grant| grant.component_bytes);
        granted.fold(self.component_bytes, usize::max)
    }
}

impl Granted {
    fn apply(&mut self, grant: &Grant) {
        self.memory_bytes = grant.memory_bytes.unwrap_or(self.memory_bytes);
        self.component_bytes = grant.component_bytes.unwrap_or(self.component_bytes);
        self.work_deadline = grant.work_deadline.unwrap_or(self.work_deadline);
    }
}
