//! `ringwright experiment`: the paper's experiments, repeated on clusters of their own.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use ringwright_experiment::{
    Experiment, Lab, Outcome, SEED, Scope, Where, load_average, report, run, steps,
};

use crate::output::{self, Output};
use crate::shard_server::Engine;

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// Which: 1-A-1 to 1-A-4, 2-A-1 to 2-A-4, as the paper names them, and protocol. All where
    /// none is named.
    name: Vec<Experiment>,
    /// What the servers keep their rows in, as processes.
    #[arg(long, env = "RINGWRIGHT_ENGINE", value_enum, default_value_t = Engine::Sqlite)]
    engine: Engine,
    /// On containers, each with a Postgres of its own: in the repository, with its images.
    #[arg(long)]
    docker: bool,
    /// Address of a balancer that is there, for 1-A-1, which changes nothing.
    #[arg(long, conflicts_with = "docker")]
    url: Option<String>,
    /// Folder of plugins.
    #[arg(long, env = "RINGWRIGHT_PLUGIN_DIR", default_value = "plugins/dist")]
    plugin_dir: PathBuf,
    /// The hash function that is held against the paper's and MD5; unless another is named the one
    /// that bench-plugins finds the most even.
    #[arg(long, default_value = "maglev")]
    best: String,
    /// Of all that is drawn at random.
    #[arg(long, default_value_t = SEED)]
    seed: u64,
    /// 500 requests a run instead of 10,000, and fewer servers.
    #[arg(long)]
    quick: bool,
    /// Folder for the page, the summary, the plots and the samples.
    #[arg(long, value_name = "DIR", default_value = "target/experiments")]
    out: PathBuf,
    /// Write only what a repository keeps: the summary as README.md, and the plots.
    #[arg(long)]
    publish: bool,
    #[command(flatten)]
    output: output::Args,
}

/// Does the experiments, and writes what came of them.
pub async fn run_all(args: Args) -> Result<ExitCode> {
    let which = args.which()?;
    let lab = args.lab()?;
    lab.bar.set_length(steps(&which, &lab.scope));
    let mut outcomes = Vec::new();
    for experiment in which {
        lab.bar.set_prefix(experiment.name());
        outcomes.push(run(&lab, experiment).await?);
    }
    lab.bar.finish_and_clear();
    let write = if args.publish { report::publish } else { report::write };
    let written = write(&lab, &outcomes, &args.out)?;
    match args.output.output {
        Output::Json => {
            output::print(&serde_json::to_string_pretty(&report::json(&lab, &outcomes))?)?;
        }
        Output::Text => {
            output::print(&text(&outcomes))?;
            output::print(&format!("Seed {}. The report: {}", lab.seed, written.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Args {
    fn which(&self) -> Result<Vec<Experiment>> {
        if self.url.is_some() {
            ensure!(
                self.name.iter().all(|name| *name == Experiment::Balance),
                "--url is for 1-A-1 alone: the others change the cluster that they are done on"
            );
            return Ok(vec![Experiment::Balance]);
        }
        let mut which = self.name.clone();
        if which.is_empty() {
            which = Experiment::ALL.into();
        }
        which.sort_unstable();
        which.dedup();
        Ok(which)
    }

    fn lab(&self) -> Result<Lab> {
        if !self.plugin_dir.is_dir() {
            bail!("{}: no plugins: run `make plugins`", self.plugin_dir.display());
        }
        let template = "{prefix:8} {bar:40} {pos}/{len} {msg}";
        let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(template)?);
        let place = if self.docker { Where::Docker } else { Where::Processes(self.engine.name()) };
        Ok(Lab {
            program: std::env::current_exe().context("cannot tell where this program is")?,
            plugin_dir: self.plugin_dir.clone(),
            place,
            at: self
                .url
                .as_deref()
                .map(|url| url.trim_start_matches("http://").trim_end_matches('/').to_owned()),
            best: self.best.clone(),
            scope: if self.quick { Scope::quick() } else { Scope::full() },
            busy: load_average(),
            seed: self.seed,
            bar,
            baseline: Default::default(),
        })
    }
}

/// The results, for people.
fn text(outcomes: &[Outcome]) -> String {
    let mut table = output::table(["experiment", "of", "result"]);
    for outcome in outcomes {
        for finding in &outcome.findings {
            table.add_row([outcome.experiment.name(), &finding.of, &finding.result]);
        }
    }
    let shows = outcomes.iter().map(|o| format!("{}: {}", o.experiment, o.shows));
    format!("{table}\n\n{}\n", shows.collect::<Vec<_>>().join("\n\n"))
}
