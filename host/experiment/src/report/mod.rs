//! Outcomes as files: a page, plots, raw samples, and a summary.

mod page;
mod sheet;
mod summary;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{Lab, Outcome, Results};

pub use summary::summary;

/// Writes everything into a folder: `index.html`, `summary.md`, each plot as SVG, and the samples
/// of each experiment as CSV. Answers the page.
///
/// # Errors
/// Names the file that could not be written.
pub fn write(lab: &Lab, results: &Results, folder: &Path) -> Result<PathBuf> {
    plots(&results.outcomes, folder)?;
    for outcome in &results.outcomes {
        let name = format!("{}.csv", outcome.experiment);
        put(folder, &name, &sheet::csv(outcome).with_context(|| name.clone())?)?;
    }
    put(folder, "summary.md", summary(lab, results).as_bytes())?;
    put(folder, "index.html", page::page(lab, results).html().as_bytes())
}

/// Writes what a repository keeps: the summary as `README.md`, and the plots. Answers the former.
///
/// # Errors
/// Names the file that could not be written.
pub fn publish(lab: &Lab, results: &Results, folder: &Path) -> Result<PathBuf> {
    plots(&results.outcomes, folder)?;
    put(folder, "README.md", summary(lab, results).as_bytes())
}

/// All figures, for machines.
pub fn json(lab: &Lab, results: &Results) -> Value {
    let of = |outcome: &Outcome| {
        json!({"experiment": outcome.experiment.name(), "title": outcome.experiment.title(),
            "how": outcome.how, "paper": outcome.paper, "shows": outcome.shows, "beside": outcome.beside,
            "lost": outcome.lost, "figures": outcome.figures})
    };
    let failed = results.failed.iter();
    let failed: Vec<Value> =
        failed.map(|f| json!({"experiment": f.experiment.name(), "reason": f.reason})).collect();
    json!({"seed": lab.seed, "load_average": lab.busy, "scope": lab.scope,
        "experiments": results.outcomes.iter().map(of).collect::<Vec<_>>(), "failed": failed})
}

fn plots(outcomes: &[Outcome], folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for drawn in outcomes.iter().flat_map(|outcome| &outcome.plots) {
        put(folder, &format!("{}.svg", drawn.file), drawn.plot.file().as_bytes())?;
    }
    Ok(())
}

fn put(folder: &Path, name: &str, content: &[u8]) -> Result<PathBuf> {
    let file = folder.join(name);
    fs::write(&file, content).with_context(|| file.display().to_string())?;
    Ok(file)
}
