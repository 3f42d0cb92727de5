//! Admission: whether a plugin may be used, decided by trying it.
//!
//! Hard checks are of what the contract promises; the first that fails refuses the plugin, and
//! nothing else is tried. Soft measures make a score of how good it is at its task: a bad hash
//! function that keeps its word is admitted, with a bad score. What it costs is shown and
//! neither checked nor scored: it depends on the machine.
//!
//! All of it works on inputs that are fixed, so that a report means the same everywhere.

mod clusters;
mod cost;
mod draw;
mod hash;
mod hash_measures;
mod placement;
mod placement_measures;
mod report;
mod score;
mod sitting;
mod trial;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

pub use report::{Check, Cost, Measure, Report};

use crate::grants::Granted;
use crate::{CallError, LoadError, Plugin};
use trial::Trial;

/// Of the checks, measures and inputs: a report of another admission says something else.
const ADMISSION: u32 = 1;

/// What tells whether a kept report is what this admission would report, under these limits.
pub(crate) fn key(granted: Granted) -> u64 {
    let mut hasher = DefaultHasher::new();
    (ADMISSION, granted).hash(&mut hasher);
    hasher.finish()
}

/// Tries a plugin. Also says whether the report is for good: one that refuses it for what may
/// be the machine's fault is not.
pub(crate) fn admit(plugin: &Plugin) -> (Report, bool) {
    let mut trial = Trial::default();
    let ended = match plugin {
        Plugin::Hash(plugin) => hash::examine(plugin, &mut trial),
        Plugin::Placement(plugin) => placement::examine(plugin, &mut trial),
    };
    let too_slow = ended.as_ref().is_err_and(trial::Fault::is_slow);
    let score = ended.as_ref().ok().and_then(|()| score::of(&trial.measures));
    let lasting = !ended.is_err_and(|fault| fault.may_pass());
    let about = plugin.about();
    trial.cost.component_bytes = about.size as u64;
    trial.cost.compile_ns = about.compiled_in.map(cost::nanoseconds);
    let report = Report {
        admission: ADMISSION,
        digest: about.digest.clone(),
        api: Some(about.api.clone()),
        kind: Some(plugin.kind().to_owned()),
        name: Some(about.description.name.clone()),
        score,
        checks: trial.checks,
        limits: trial.limits,
        measures: trial.measures,
        too_slow,
        cost: trial.cost,
    };
    (report, lasting)
}

/// The report of what did not even load.
pub(crate) fn unloadable(
    digest: String,
    api: Option<String>,
    size: usize,
    error: &LoadError,
) -> Report {
    let reason = Some(error.to_string());
    Report {
        admission: ADMISSION,
        digest,
        api,
        kind: None,
        name: None,
        checks: vec![Check { name: trial::LOADS.to_owned(), passed: false, reason }],
        limits: Vec::new(),
        measures: Vec::new(),
        score: None,
        too_slow: matches!(error, LoadError::Describe(CallError::TimedOut)),
        cost: Cost { component_bytes: size as u64, ..Cost::default() },
    }
}
