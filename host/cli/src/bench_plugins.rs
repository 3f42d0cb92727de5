//! `ringwright bench-plugins`: hash functions compared, on their components.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use ringwright_compare::{Comparison, Scope, compare, gather, report, steps};
use ringwright_plugin_runtime::{Runtime, Settings};

use crate::output::{self, Output};

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// Components to compare with those of the folders; a folder is all of its.
    path: Vec<PathBuf>,
    /// Folders of plugins.
    #[arg(
        long,
        env = "RINGWRIGHT_PLUGIN_DIR",
        default_value = "plugins/dist",
        value_delimiter = ':'
    )]
    plugin_dir: Vec<PathBuf>,
    /// Fewer servers, slots and keys: seconds instead of minutes.
    #[arg(long)]
    quick: bool,
    /// Folder for the page, the CSV files and the JSON.
    #[arg(long, value_name = "DIR", default_value = "target/bench-plugins")]
    out_dir: PathBuf,
    #[command(flatten)]
    output: output::Args,
}

/// Compares.
pub async fn run(args: Args) -> Result<ExitCode> {
    let comparison = tokio::task::spawn_blocking(move || {
        let comparison = measure(&args)?;
        let page = report::write(&comparison, &args.out_dir)?;
        match args.output.output {
            Output::Json => output::print(&report::json(&comparison)?)?,
            Output::Text => {
                output::print(&report::text(&comparison))?;
                output::print(&format!("\nThe page: {}", page.display()))?;
            }
        }
        anyhow::Ok(comparison)
    });
    let comparison = comparison.await.context("the comparison broke off")??;
    if comparison.plugins.is_empty() {
        bail!("there is no hash function to compare");
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(args: &Args) -> Result<Comparison> {
    let scope = if args.quick { Scope::quick() } else { Scope::full() };
    let paths = [args.plugin_dir.clone(), args.path.clone()].concat();
    let gathered = gather(&Runtime::new(generous())?, &paths);
    let template = "{bar:40} {pos}/{len} {msg} (about {eta} left)";
    let bar = ProgressBar::new(steps(gathered.subjects.len(), &scope))
        .with_style(ProgressStyle::with_template(template)?);
    let comparison = compare(&gathered, &scope, &|name| {
        bar.set_message(name.to_owned());
        bar.inc(1);
    });
    bar.finish_and_clear();
    Ok(comparison)
}

/// More than a balancer grants: what is slow or large is to be measured, not refused.
fn generous() -> Settings {
    Settings {
        memory_bytes: 256 << 20,
        slot_deadline: Duration::from_secs(1),
        start_deadline: Duration::from_secs(5),
        work_deadline: Duration::from_secs(5),
        ..Settings::default()
    }
}
