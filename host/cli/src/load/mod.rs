//! `ringwright load`: the rows of a CSV file, through the REST API.
//!
//! Each batch goes under an idempotency key made of the file's content and the batch's lines. A
//! batch whose answer was lost is sent again and done once, within a run and from run to run.
//! A batch that is refused is split until the rows that stand in the way are alone.

pub mod batches;
mod rows;
mod sender;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::client::{self, Client};
use crate::output::{self, Output};
use rows::{Columns, Rows};

pub use rows::{Rejected, Row};
pub use sender::{Outcome, Sender};

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// The file; its first line names the columns, in any order.
    file: PathBuf,
    #[command(flatten)]
    batches: batches::Args,
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
    let digest = digest(file).with_context(|| name.clone())?;
    let sender = Sender::new(client, digest, args.batches.retry_for);
    let columns = Columns::new(&sender.status().await?)?;
    let file = File::open(&args.file).with_context(|| format!("cannot open {name}"))?;
    let mut rows = Rows::new(file, columns).with_context(|| name.clone())?;

    let bar = batches::bar(size)?;
    let next = || {
        bar.set_position(rows.position());
        rows.next()
    };
    let add = |rows: Vec<Row>| {
        let sender = sender.clone();
        async move { sender.add(rows).await }
    };
    let total = batches::send(&args.batches, &bar, next, add).await?;
    bar.finish_and_clear();
    report(&[("added", total.added)], total.rejected, args.output.output)
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

/// Tells what became of the rows. Fails where one was rejected.
pub fn report(
    counts: &[(&str, usize)],
    mut rejected: Vec<Rejected>,
    output: Output,
) -> Result<ExitCode> {
    rejected.sort();
    match output {
        Output::Json => {
            let lines = rejected.iter().map(|r| json!({"line": r.line, "message": r.message}));
            let mut told: Map<String, Value> =
                counts.iter().map(|(name, count)| ((*name).to_owned(), json!(count))).collect();
            told.insert("rejected".into(), lines.collect());
            output::print(&Value::Object(told).to_string())?;
        }
        Output::Text => {
            for rejected in &rejected {
                eprintln!("line {}: {}", rejected.line, rejected.message);
            }
            let counts: Vec<String> =
                counts.iter().map(|(name, count)| format!("{count} rows {name}")).collect();
            output::print(&format!("{}, {} rejected", counts.join(", "), rejected.len()))?;
        }
    }
    Ok(if rejected.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
