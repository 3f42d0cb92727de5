//! What tests of plugins need.

use std::time::Duration;

use crate::{HashPlugin, LoadError, PlacementPlugin, Plugin, Runtime, ServerInfo, Settings};

/// Small limits, so that faults come soon.
pub(crate) fn settings() -> Settings {
    Settings {
        memory_bytes: 4 << 20,
        answer_bytes: 1 << 20,
        work_deadline: Duration::from_millis(200),
        ..Settings::default()
    }
}

/// Time enough that a busy machine does not have a sound plugin refused.
pub(crate) fn patient_settings() -> Settings {
    Settings {
        slot_deadline: Duration::from_millis(500),
        work_deadline: Duration::from_secs(5),
        ..settings()
    }
}

pub(crate) fn runtime() -> Runtime {
    Runtime::new(settings()).unwrap()
}

/// For plugins that are to be admitted.
pub(crate) fn patient() -> Runtime {
    Runtime::new(patient_settings()).unwrap()
}

pub(crate) fn hash(loaded: Result<Plugin, LoadError>) -> HashPlugin {
    match loaded.unwrap() {
        Plugin::Hash(plugin) => plugin,
        Plugin::Placement(_) => panic!("a placement policy"),
    }
}

pub(crate) fn placement(loaded: Result<Plugin, LoadError>) -> PlacementPlugin {
    match loaded.unwrap() {
        Plugin::Placement(plugin) => plugin,
        Plugin::Hash(_) => panic!("a hash function"),
    }
}

pub(crate) fn servers(count: u32) -> Vec<ServerInfo> {
    (1..=count).map(|id| ServerInfo::new(id, &format!("Server{id}"))).collect()
}
