//! What came of several experiments.

use crate::{Experiment, Lab, Outcome, run};

/// What came of several experiments: one that fails takes nothing from the others.
#[derive(Default)]
pub struct Results {
    /// Of those that were done.
    pub outcomes: Vec<Outcome>,
    /// Those that were not.
    pub failed: Vec<Failure>,
}

/// An experiment that could not be done.
pub struct Failure {
    /// Which one.
    pub experiment: Experiment,
    /// Why.
    pub reason: String,
}

impl Results {
    /// Does these experiments, one after the other.
    pub async fn of(lab: &Lab, which: &[Experiment]) -> Self {
        let mut results = Results::default();
        for &experiment in which {
            lab.bar.set_prefix(experiment.name());
            match run(lab, experiment).await {
                Ok(outcome) => results.outcomes.push(outcome),
                Err(error) => {
                    let reason = format!("{error:#}");
                    results.failed.push(Failure { experiment, reason });
                }
            }
            // Some that fail do so without having waited for anything: whoever wants them all to
            // stop must get a word in.
            tokio::task::yield_now().await;
        }
        results
    }

    /// What must not be: experiments that failed, and rows that our protocol lost.
    pub fn complaints(&self) -> Vec<String> {
        let failed = self.failed.iter().map(|f| format!("{} failed: {}", f.experiment, f.reason));
        let lost = self.outcomes.iter().filter_map(|outcome| {
            outcome.lost.as_ref().map(|lost| format!("{}: {lost}", outcome.experiment))
        });
        failed.chain(lost).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn outcome(experiment: Experiment, lost: Option<&str>) -> Outcome {
        Outcome {
            experiment,
            how: String::new(),
            paper: String::new(),
            shows: String::new(),
            beside: String::new(),
            plots: Vec::new(),
            tables: Vec::new(),
            findings: Vec::new(),
            runs: Vec::new(),
            lost: lost.map(str::to_owned),
            figures: Value::Null,
        }
    }

    #[test]
    fn what_failed_and_what_was_lost_is_complained_of() {
        let well = [outcome(Experiment::Rows, None), outcome(Experiment::Protocol, None)];
        let mut results = Results { outcomes: well.into(), failed: Vec::new() };
        assert_eq!(results.complaints(), [""; 0]);
        results.outcomes.push(outcome(Experiment::Dropped, Some("a row is gone")));
        let reason = "no cluster".into();
        results.failed.push(Failure { experiment: Experiment::Swap, reason });
        assert_eq!(results.complaints(), ["1-A-4 failed: no cluster", "2-A-4: a row is gone"]);
    }
}
