//! The program: `serve`, `shard-server`, `postgres`, and tools: `load`, `dump`, `status`, …

mod backup;
mod bench_plugins;
mod client;
mod events;
mod experiment;
mod files;
mod health;
mod load;
mod logging;
mod memory;
mod output;
mod plugin;
mod postgres;
mod secret;
mod serve;
mod settings;
mod shard_server;
mod status;
mod stop;
mod token;
mod traces;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ringwright_trace::export::Exporter;

/// A load balancer in front of a sharded, replicated database, whose hash function and placement
/// policy are plugins that can be swapped while it runs.
///
/// Every setting can be given as a flag, as a RINGWRIGHT_… variable, or in ringwright.toml under
/// the flag's long name (port = 5000). A flag goes before a variable, a variable before the file.
#[derive(Parser)]
#[command(name = "ringwright", version, max_term_width = 100)]
struct Cli {
    /// File of settings; ringwright.toml in the current folder where there is one.
    #[arg(long, global = true, env = "RINGWRIGHT_CONFIG", value_name = "FILE")]
    config: Option<std::path::PathBuf>,
    #[command(flatten)]
    logging: logging::Args,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the balancer and its shard servers.
    Serve(Box<serve::Args>),
    /// Run one shard server; the balancer starts these itself.
    ShardServer(shard_server::Args),
    /// Run a Postgres, for the metadata of a deployment.
    Postgres(postgres::Args),
    /// Add the rows of a CSV file through the REST API.
    Load(load::Args),
    /// Write the whole table to a file, as one snapshot, while it is served.
    Dump(backup::dump::Args),
    /// Bring back what `dump` wrote, and the cluster where there is none.
    Restore(backup::restore::Args),
    /// Show the cluster: servers, shards, replicas.
    Status(status::Args),
    /// Show what happened to the cluster, and what happens.
    Events(events::Args),
    /// Write plugins, judge them, and swap those of a balancer.
    Plugin(plugin::Args),
    /// Compare hash functions: balance, moves, cost.
    BenchPlugins(bench_plugins::Args),
    /// Repeat the paper's experiments on clusters of their own, and report.
    Experiment(experiment::Args),
    /// Tell by the exit code whether a balancer or shard server on this machine is well.
    Health(health::Args),
}

impl Command {
    /// What sends traces of the requests that it serves.
    fn exporter(&self) -> anyhow::Result<Option<Exporter>> {
        match self {
            Command::Serve(args) => args.traces.exporter("ringwright-balancer", "balancer"),
            Command::ShardServer(args) => {
                args.traces.exporter("ringwright-shard-server", &args.name)
            }
            _ => Ok(None),
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli: Cli = match settings::parse() {
        Ok(cli) => cli,
        Err(error) => return fail(&error),
    };
    let exporter = match cli.command.exporter() {
        Ok(exporter) => exporter,
        Err(error) => return fail(&error),
    };
    logging::start(&cli.logging, exporter.as_ref());
    let done = match cli.command {
        Command::Serve(args) => serve::run(*args).await,
        Command::ShardServer(args) => shard_server::run(args).await,
        Command::Postgres(args) => postgres::run(args).await,
        Command::Load(args) => load::run(args).await,
        Command::Dump(args) => backup::dump::run(args).await,
        Command::Restore(args) => backup::restore::run(args).await,
        Command::Status(args) => status::run(args).await,
        Command::Events(args) => events::run(args).await,
        Command::Plugin(args) => plugin::run(args).await,
        Command::BenchPlugins(args) => bench_plugins::run(args).await,
        Command::Experiment(args) => experiment::run_all(args).await,
        Command::Health(args) => health::run(args).await,
    };
    if let Some(exporter) = exporter {
        exporter.finish().await;
    }
    match done {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    // Where it cannot be told, the code still says it.
    let _ = output::say(format!("{error:#}"));
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
