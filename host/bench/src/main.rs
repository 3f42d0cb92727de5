//! What a request costs: single-key reads and writes through the balancer in the paper's default
//! cluster, and the same against one shard server asked directly, in one run and by turns.
//!
//! Closed loop: each client has one connection, kept alive, and sends its next request when it
//! has the answer to the last. The clients share the machine with what they measure.

mod connection;
mod load;
mod report;
mod running;
mod twin;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use load::{Kind, measure};
use report::{Report, Row};
use running::{Balancer, ShardServer};

/// Measures reads and writes through the balancer and against one shard server asked directly.
/// With --twin, reads through two builds of the program instead.
#[derive(Parser)]
struct Args {
    /// The program to measure; the one that was built beside this.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Another build of the program, with its hash function compiled in: measures what a plugin
    /// costs.
    #[arg(long)]
    twin: Option<PathBuf>,
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
    /// How often each measurement is taken; balancer and shard server take turns.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// A table for people, or JSON for machines.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
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
    let program = match &args.program {
        Some(program) => program.clone(),
        None => std::env::current_exe()?.with_file_name("ringwright"),
    };
    let data = tempfile::tempdir().context("a folder for the data")?;
    let turns = if args.twin.is_some() { 2 } else { 4 };
    let steps = turns * args.clients.len() as u64 * u64::from(args.rounds);
    let bar = ProgressBar::new(steps)
        .with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} (about {eta} left)")?);
    let (text, json) = match &args.twin {
        Some(twin) => {
            let programs = (program.as_path(), twin.as_path());
            let twins = twin::measure_both(&args, programs, data.path(), &bar).await?;
            (twin::table(&twins), twins.iter().map(twin::Twins::json).collect())
        }
        None => {
            let report = against_a_server(&args, &program, data.path(), &bar).await?;
            (report.table(), report.json())
        }
    };
    bar.finish_and_clear();
    match args.output {
        Output::Text => println!("{text}"),
        Output::Json => println!("{}", serde_json::to_string_pretty(&json)?),
    }
    Ok(())
}

/// Measures the balancer, and one shard server asked directly.
async fn against_a_server(
    args: &Args,
    program: &Path,
    data: &Path,
    bar: &ProgressBar,
) -> Result<Report> {
    let most = args.clients.iter().copied().max().unwrap_or(1);
    let server = ShardServer::start(program, &data.join("direct"), most).await?;
    let folder = data.join("cluster");
    let balancer = Balancer::start(program, &folder, &args.plugin_dir, &args.hash).await?;
    let mut rows = Vec::new();
    for kind in [Kind::Read, Kind::Write] {
        for &clients in &args.clients {
            let mut row = Row::new(kind, clients)?;
            for _ in 0..args.rounds {
                bar.set_message(format!("{kind}s, {clients} clients, direct"));
                row.direct.add(&measure(&server, kind, clients, args.time).await?)?;
                bar.inc(1);
                bar.set_message(format!("{kind}s, {clients} clients, through the balancer"));
                row.balancer.add(&measure(&balancer, kind, clients, args.time).await?)?;
                bar.inc(1);
            }
            rows.push(row);
        }
    }
    Ok(Report { rows, balancer_rss_mb: balancer.resident_mb()? })
}
