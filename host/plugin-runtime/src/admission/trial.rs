//! A trial: what was found so far, and how it ends.

use super::report::{Check, Cost, Measure};
use crate::CallError;

/// The check that a file loads and describes itself.
pub(super) const LOADS: &str = "loads";

/// Most limits that are told; what refuses everything says so often enough.
const LIMITS: usize = 16;

/// What was found so far.
#[derive(Default)]
pub(super) struct Trial {
    pub(super) checks: Vec<Check>,
    pub(super) limits: Vec<String>,
    pub(super) measures: Vec<Measure>,
    pub(super) cost: Cost,
}

/// Why a trial ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// A call failed.
    #[error("{doing}: {error}")]
    Failed { doing: String, error: CallError },
    /// It answered, and not as it should.
    #[error("{0}")]
    Lied(String),
}

impl Fault {
    /// Whether it may be the machine's fault.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Fault::Failed { error, .. } if error.may_pass())
    }

    /// Whether it was stopped for the time it took.
    pub(super) fn is_slow(&self) -> bool {
        matches!(self, Fault::Failed { error: CallError::TimedOut, .. })
    }
}

/// Says what failed.
pub(super) trait Doing<T> {
    fn doing(self, what: impl Into<String>) -> Result<T, Fault>;
}

impl<T> Doing<T> for Result<T, CallError> {
    fn doing(self, what: impl Into<String>) -> Result<T, Fault> {
        self.map_err(|error| Fault::Failed { doing: what.into(), error })
    }
}

impl Trial {
    /// Runs a check and notes how it went. A fault is the end of the trial.
    pub(super) fn check<T>(
        &mut self,
        name: &str,
        run: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let result = run(self);
        let reason = result.as_ref().err().map(Fault::to_string);
        self.checks.push(Check { name: name.to_owned(), passed: reason.is_none(), reason });
        result
    }

    /// Notes what it says it cannot do.
    pub(super) fn cannot(&mut self, what: &str, why: &str) {
        let limit = format!("cannot {what}: {why}");
        if self.limits.len() < LIMITS && !self.limits.contains(&limit) {
            self.limits.push(limit);
        }
    }
}
