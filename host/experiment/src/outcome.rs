//! What comes of an experiment.

use ringwright_plot::{Plot, Table};
use serde_json::Value;

use crate::{Experiment, Sample};

/// What comes of an experiment.
pub struct Outcome {
    /// Which one.
    pub experiment: Experiment,
    /// What was done.
    pub how: String,
    /// What the paper has.
    pub paper: String,
    /// What was found, worded by what was measured.
    pub shows: String,
    /// Whether it agrees with the paper or differs from it, and why.
    pub beside: String,
    /// The plots.
    pub plots: Vec<Drawn>,
    /// The figures.
    pub tables: Vec<Table>,
    /// The results in short.
    pub findings: Vec<Finding>,
    /// The requests, each.
    pub runs: Vec<Run>,
    /// Which rows that our protocol acknowledged are not there any more, if any: that must not be.
    pub lost: Option<String>,
    /// All figures, for machines.
    pub figures: Value,
}

/// A plot, and the name of its file.
pub struct Drawn {
    /// The name of its file, without what comes after the dot.
    pub file: String,
    /// The plot.
    pub plot: Plot,
}

/// A result in short.
pub struct Finding {
    /// Of what.
    pub of: String,
    /// What.
    pub result: String,
}

impl Finding {
    /// A result of something.
    pub fn new(of: impl Into<String>, result: impl Into<String>) -> Self {
        Finding { of: of.into(), result: result.into() }
    }
}

/// Requests that were sent one after the other or together.
pub struct Run {
    /// What it is called.
    pub name: String,
    /// In the order of their numbers.
    pub samples: Vec<Sample>,
}
