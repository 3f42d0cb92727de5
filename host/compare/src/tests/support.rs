//! What the tests share.

use std::sync::OnceLock;
use std::time::Duration;

use ringwright_plugin_runtime::{Runtime, Settings};
use ringwright_test_plugins::dist;

use crate::{Comparison, Figures, Gathered, Scope, compare, gather};

/// As little as there can be.
pub(crate) fn small() -> Scope {
    Scope {
        servers: vec![10, 60],
        slots: vec![512],
        keys: 5_000,
        more_virtual_nodes: vec![1, 9, 81],
        rounds: 1,
        ..Scope::full()
    }
}

/// Of the components there are, and of `more`.
pub(crate) fn gathered(more: &[std::path::PathBuf]) -> Gathered {
    let patient = Settings { work_deadline: Duration::from_secs(10), ..Settings::default() };
    gather(&Runtime::new(patient).unwrap(), &[&[dist()], more].concat())
}

/// The comparison of the components there are.
pub(crate) fn comparison() -> &'static Comparison {
    static ONCE: OnceLock<Comparison> = OnceLock::new();
    ONCE.get_or_init(|| compare(&gathered(&[]), &small(), &|_| {}))
}

pub(crate) fn of(name: &str) -> &'static Figures {
    comparison().plugins.iter().find(|p| p.about.name == name).unwrap()
}
