//! `ringwright load`: the rows of a CSV file, through the REST API.
//!
//! Each batch goes under an idempotency key made of the file's content and the batch's lines. A
//! batch whose answer was lost is sent again and done once, within a run and from run to run.
//! A batch that is refused is split until the rows that stand in the way are alone.

mod rows;
mod sender;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use crate::client::{self, Client};
use crate::output::{self, Output};
use rows::{Columns, Row, Rows};
use sender::{Outcome, Sender};

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// The file; its first line names the columns, in any order.
    file: PathBuf,
    /// Rows a request.
    #[arg(long, env = "RINGWRIGHT_BATCH", default_value_t = 500,
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: u32,
    /// Requests under way at once.
    #[arg(long, env = "RINGWRIGHT_IN_FLIGHT", default_value_t = 4,
        value_parser = clap::value_parser!(u32).range(1..=256))]
    in_flight: u32,
    /// How long to try again while the balancer does not answer (30s, 5m).
    #[arg(long, env = "RINGWRIGHT_RETRY_FOR", default_value = "60s",
        value_parser = humantime::parse_duration)]
    retry_for: Duration,
    #[command(flatten)]
    balancer: client::Args,
    #[command(flatten)]
    output: output::Args,
}

/// Loads the file. Fails where a row was rejected, after all others were added.
pub async fn run(args: Args) -> Result<ExitCode> {
    let client = Client::new(&args.balancer)?;
    let name = args.file.display().to_string();
    let file = File::open(&args.file).with_context(|| format!("cannot open {name}"))?;
    let size = file.metadata().with_context(|| name.clone())?.len();
    let sender = Sender::new(client, digest(file).with_context(|| name.clone())?, args.retry_for);
    let columns = Columns::new(&sender.status().await?)?;
    let file = File::open(&args.file).with_context(|| format!("cannot open {name}"))?;
    let mut rows = Rows::new(file, columns).with_context(|| name.clone())?;

    let bar = ProgressBar::new(size).with_style(style()?);
    let (batch, in_flight) = (usize::try_from(args.batch)?, usize::try_from(args.in_flight)?);
    let mut total = Outcome::default();
    let mut sending: JoinSet<Result<Outcome>> = JoinSet::new();
    loop {
        let mut full: Vec<Row> = Vec::with_capacity(batch);
        while full.len() < batch {
            match rows.next()? {
                Some(Ok(row)) => full.push(row),
                Some(Err(rejected)) => total.rejected.push(rejected),
                None => break,
            }
        }
        let done = full.is_empty();
        if !done {
            let sender = sender.clone();
            sending.spawn(async move { sender.add(full).await });
        }
        while sending.len() >= in_flight || done && !sending.is_empty() {
            let Some(outcome) = sending.join_next().await else { break };
            let outcome = outcome.context("a batch was lost")?.with_context(|| {
                format!("stopped after {} rows; run the same again to go on", total.added)
            })?;
            total.added += outcome.added;
            total.rejected.extend(outcome.rejected);
            bar.set_message(format!("{} rows, {} rejected", total.added, total.rejected.len()));
        }
        bar.set_position(rows.position());
        if done {
            break;
        }
    }
    bar.finish_and_clear();
    report(total, args.output.output)
}

/// What tells a file's content from any other.
fn digest(file: File) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut reader = BufReader::with_capacity(1 << 16, file);
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(digest.finalize().iter().map(|b| format!("{b:02x}")).collect());
        }
        digest.update(bytes);
        let read = bytes.len();
        reader.consume(read);
    }
}

fn report(mut total: Outcome, output: Output) -> Result<ExitCode> {
    total.rejected.sort();
    match output {
        Output::Json => {
            let rejected: Vec<_> = total
                .rejected
                .iter()
                .map(|r| json!({"line": r.line, "message": r.message}))
                .collect();
            output::print(&json!({"added": total.added, "rejected": rejected}).to_string())?;
        }
        Output::Text => {
            for rejected in &total.rejected {
                eprintln!("line {}: {}", rejected.line, rejected.message);
            }
            output::print(&format!(
                "{} rows added, {} rejected",
                total.added,
                total.rejected.len()
            ))?;
        }
    }
    Ok(if total.rejected.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn style() -> Result<ProgressStyle> {
    let template = "{bar:40} {percent:>3}% {bytes_per_sec} {msg} (about {eta} left)";
    match ProgressStyle::with_template(template) {
        Ok(style) => Ok(style),
        Err(error) => bail!("progress bar: {error}"),
    }
}
