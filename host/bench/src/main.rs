//! The program measured: what its requests cost, what a plugin costs, and how long it takes to
//! recover from the loss of a server.

mod cpu;
mod measured;
mod recording;
mod recovery;
mod report;
mod requests;
mod twin;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

/// Measures the program that was built beside this, and its images.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    task: Task,
    /// A table for people, or JSON for machines.
    #[arg(long, value_enum, default_value_t = Output::Text, global = true)]
    output: Output,
}

#[derive(clap::Subcommand)]
enum Task {
    Requests(requests::Args),
    Twin(twin::Args),
    Recovery(recovery::Args),
    Recording(recording::Args),
}

/// What the measurements of requests have in common.
#[derive(clap::Args)]
struct Common {
    /// The program to measure; the one that was built beside this.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Folder of plugins.
    #[arg(long, default_value = "plugins/dist")]
    plugin_dir: PathBuf,
    /// The hash function.
    #[arg(long, default_value = "virtual-node")]
    hash: String,
    /// How many clients at once.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    clients: Vec<u16>,
    /// How long each measurement lasts, after a fifth of that to warm up.
    #[arg(long, value_parser = humantime::parse_duration, default_value = "2s")]
    time: Duration,
}

impl Common {
    fn program(&self) -> Result<PathBuf> {
        match &self.program {
            Some(program) => Ok(program.clone()),
            None => Ok(std::env::current_exe()?.with_file_name("ringwright")),
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    Text,
    Json,
}

// One thread for all clients: they wait more than they work, and leave the machine to what is
// measured.
#[tokio::main(flavor = "current_thread")]
#[allow(clippy::print_stdout)] // the report
async fn main() -> Result<()> {
    let args = Args::parse();
    // Others may pass through: a Postgres does not run as root.
    let open = Permissions::from_mode(0o711);
    let data = tempfile::Builder::new().permissions(open).tempdir();
    let data = data.context("a folder for the data")?;
    let data = data.path();
    let bar = ProgressBar::new(1)
        .with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} (about {eta} left)")?);
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    // Whoever stops it stops what it has started, too: that goes with what is dropped.
    let (text, json) = tokio::select! {
        done = measure(&args.task, data, &bar) => done?,
        _ = interrupt.recv() => bail!("stopped by SIGINT"),
        _ = terminate.recv() => bail!("stopped by SIGTERM"),
    };
    bar.finish_and_clear();
    match args.output {
        Output::Text => println!("{text}"),
        Output::Json => println!("{}", serde_json::to_string_pretty(&json)?),
    }
    Ok(())
}

/// What was measured, for people and for machines.
async fn measure(task: &Task, data: &Path, bar: &ProgressBar) -> Result<(String, Value)> {
    match task {
        Task::Requests(args) => requests::run(args, data, bar).await,
        Task::Twin(args) => twin::run(args, data, bar).await,
        Task::Recovery(args) => recovery::run(args, data, bar).await,
        Task::Recording(args) => recording::run(args, data, bar).await,
    }
}

/// The middle one, or between the middle two.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}
