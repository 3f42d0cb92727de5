//! `ringwright experiment`: the paper's experiments, repeated on clusters of their own.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use ringwright_experiment::{
    Experiment, Lab, Results, SEED, Scope, Where, load_average, report, steps,
};

use crate::output::{self, Output};
use crate::shard_server::Engine;
use crate::stop::{self, Stop};

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
    /// Folder for the page, the summary, the plots and the samples: target/experiments where all
    /// are done, and one of their own in there for fewer.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write only what a repository keeps: the summary as README.md, and the plots.
    #[arg(long)]
    publish: bool,
    #[command(flatten)]
    output: output::Args,
}

/// Does the experiments, and writes what came of them. Whoever tells it to stop, stops what it
/// has started, too: what runs goes with what is dropped.
pub async fn run_all(args: Args) -> Result<ExitCode> {
    let which = args.which()?;
    let lab = args.lab()?;
    if let Some(address) = &lab.at {
        let others = Experiment::ALL.into_iter().filter(|experiment| !which.contains(experiment));
        let others: Vec<&str> = others.map(Experiment::name).collect();
        output::say(format!(
            "on {address} only 1-A-1 is done: {} change what they are done on, and want a cluster of \
             their own",
            others.join(", ")
        ))?;
    }
    if let Some(told) = lab.overload() {
        output::say(told)?;
    }
    lab.bar.set_length(steps(&which, &lab.scope));
    let mut stop = Stop::listen()?;
    let done = tokio::select! {
        biased;
        signal = stop.wait() => Err(signal),
        results = Results::of(&lab, &which) => Ok(results),
    };
    lab.bar.finish_and_clear();
    match done {
        Ok(results) => tell(&args, &lab, &which, &results),
        Err(signal) => {
            output::say(format!("stopped by {signal}: nothing was written"))?;
            Ok(ExitCode::from(stop::code(signal)))
        }
    }
}

/// Writes what was done, and complains of what was not, or must not be.
fn tell(args: &Args, lab: &Lab, which: &[Experiment], results: &Results) -> Result<ExitCode> {
    let complaints = results.complaints();
    for complaint in &complaints {
        output::say(complaint)?;
    }
    let json = args.output.output == Output::Json;
    if json {
        output::print(&serde_json::to_string_pretty(&report::json(lab, results))?)?;
    }
    // An empty report is not to take the place of one that is whole.
    if !results.outcomes.is_empty() {
        let write = if args.publish { report::publish } else { report::write };
        let written = write(lab, results, &args.folder(which))?;
        if !json {
            output::print(&text(results))?;
            output::print(&format!("Seed {}. The report: {}", lab.seed, written.display()))?;
        }
    }
    Ok(if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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

    /// Where the report goes. A few are not to take the place of all.
    fn folder(&self, which: &[Experiment]) -> PathBuf {
        let all = Path::new("target/experiments");
        let names = || which.iter().map(|e| e.name()).collect::<Vec<_>>().join("_");
        match &self.out {
            Some(folder) => folder.clone(),
            None if which == Experiment::ALL => all.to_owned(),
            None => all.join(names()),
        }
    }

    fn lab(&self) -> Result<Lab> {
        let at = self.url.as_deref().map(address).transpose()?;
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
            at,
            best: self.best.clone(),
            scope: if self.quick { Scope::quick() } else { Scope::full() },
            busy: load_average(),
            seed: self.seed,
            bar,
            baseline: Default::default(),
        })
    }
}

/// Host and port of a balancer.
fn address(url: &str) -> Result<String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    ensure!(
        scheme.eq_ignore_ascii_case("http"),
        "--url {url}: requests go over http alone, not {scheme}: name the balancer itself"
    );
    let rest = rest.trim_end_matches('/');
    ensure!(!rest.contains('/'), "--url {url}: an address has no path");
    let host = rest.rsplit(']').next().unwrap_or(rest);
    Ok(if host.contains(':') { rest.to_owned() } else { format!("{rest}:80") })
}

/// The results, for people.
fn text(Results { outcomes, .. }: &Results) -> String {
    let mut table = output::table(["experiment", "of", "result"]);
    for outcome in outcomes {
        for finding in &outcome.findings {
            table.add_row([outcome.experiment.name(), &finding.of, &finding.result]);
        }
    }
    let shows = outcomes.iter().map(|o| format!("{}: {} {}", o.experiment, o.shows, o.beside));
    format!("{table}\n\n{}\n", shows.collect::<Vec<_>>().join("\n\n"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn an_address_is_host_and_port_over_http() {
        for (url, host) in [
            ("http://localhost:5000/", "localhost:5000"),
            ("localhost:5000", "localhost:5000"),
            ("HTTP://balancer", "balancer:80"),
            ("http://[::1]:5000", "[::1]:5000"),
            ("http://[::1]", "[::1]:80"),
        ] {
            assert_eq!(address(url).unwrap(), host);
        }
        let told = |url| address(url).unwrap_err().to_string();
        assert!(told("https://balancer:5000").contains("over http alone, not https"));
        assert!(told("http://balancer:5000/x").contains("no path"));
    }
}
