//! `ringwright restore`: a dump, through the REST API.
//!
//! The whole file is checked before anything is written. A batch asks which of its rows are there
//! and adds the others, so that the same may be run again, whatever became of it before. Its
//! idempotency key is of this run alone: a balancer remembers keys for a day, and rows that were
//! deleted since the last run must come back.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use ringwright_model::{Key, Row, Schema};
use serde_json::value::RawValue;

use super::cluster::Cluster;
use super::format::{Line, Reader};
use super::{Balancer, STANDARD};
use crate::load::{self, Outcome, Rejected, Sender, batches};
use crate::output;

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// The file that `dump` wrote; - is the standard input.
    file: PathBuf,
    /// Let the placement policy fill as many servers, in the place of those in the dump.
    #[arg(long)]
    place: bool,
    #[command(flatten)]
    batches: batches::Args,
    #[command(flatten)]
    balancer: Balancer,
    #[command(flatten)]
    output: output::Args,
}

/// Brings the rows back. Fails where one is there with other values, after all others were added.
pub async fn run(args: Args) -> Result<ExitCode> {
    let name = args.file.display().to_string();
    let client = args.balancer.client()?;
    let mut file = open(&args.file).with_context(|| format!("cannot open {name}"))?;
    let dumped = read(&mut file).with_context(|| name.clone())?.cluster;
    let run = format!("restore-{:016x}", rand::random::<u64>());
    let sender = Sender::new(client.clone(), run, args.batches.retry_for);
    let there = Cluster::of(&sender.status().await?)?;
    if let Some(there) = &there {
        there.check_schema(&dumped.schema)?;
    }
    check(&mut file, there.as_ref().unwrap_or(&dumped)).with_context(|| name.clone())?;
    if there.is_none() {
        let payload = serde_json::to_vec(&dumped.payload(args.place)?)?;
        client.post("/init", None, payload).await?.ok().context(
            "the cluster could not be set up; with --place the placement policy fills the servers",
        )?;
    }

    let bar = batches::bar(file.metadata()?.len())?;
    let mut lines = read(&mut file).with_context(|| name.clone())?;
    let next = || {
        bar.set_position(lines.position());
        Ok(lines.next().with_context(|| name.clone())?.map(Ok))
    };
    let schema = Arc::new(dumped.schema);
    let add = |lines| restore(sender.clone(), schema.clone(), lines);
    let total = batches::send(&args.batches, &bar, next, add).await?;
    bar.finish_and_clear();
    let counts = [("added", total.added), ("unchanged", total.unchanged)];
    load::report(&counts, total.rejected, args.output.output)
}

/// The dump, as a file that can be read again and again.
fn open(path: &Path) -> io::Result<File> {
    if path == Path::new(STANDARD) {
        return keep(io::stdin().lock());
    }
    let file = File::open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { keep(file) }
}

/// Keeps what can be read only once.
fn keep(mut from: impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut from, &mut file)?;
    Ok(file)
}

/// From the start.
fn read(file: &mut File) -> Result<Reader<BufReader<&File>>> {
    file.rewind()?;
    Reader::new(BufReader::with_capacity(1 << 16, file))
}

/// Checks the file to its end, and that each row has a shard.
fn check(file: &mut File, cluster: &Cluster) -> Result<()> {
    let keys = cluster.keys()?;
    let column = cluster.schema.key_column();
    let mut lines = read(file)?;
    while let Some(Line { number, row: Row { key, .. } }) = lines.next()? {
        ensure!(
            keys.contain(key),
            "line {number}: {column}: {key} belongs to no shard of the balancer: POST /add one"
        );
    }
    Ok(())
}

/// Adds those of some rows that are not there, and tells which are there with other values.
async fn restore(sender: Sender, schema: Arc<Schema>, lines: Vec<Line>) -> Result<Outcome> {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
        return Ok(Outcome::default());
    };
    let column = schema.key_column();
    let there = sender.read(column, first.row.key, last.row.key).await?;
    let there: HashMap<Key, Box<str>> = there
        .rows()?
        .into_iter()
        .map(|row| Row::parse(&schema, row, None).map(|row| (row.key, row.json)))
        .collect::<Result<_, _>>()
        .context("/read answered a row that does not fit the schema")?;
    let mut outcome = Outcome::default();
    let mut missing = Vec::new();
    for Line { number: line, row } in lines {
        match there.get(&row.key) {
            None => missing.push(load::Row { line, json: RawValue::from_string(row.json.into())? }),
            Some(same) if *same == row.json => outcome.unchanged += 1,
            Some(_) => {
                let message = format!("{column}: {} is in the table with other values", row.key);
                outcome.rejected.push(Rejected { line, message });
            }
        }
    }
    outcome.add(sender.add(missing).await?);
    Ok(outcome)
}
