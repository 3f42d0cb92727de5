//! Rows in batches, some of them under way at once.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinSet;

use super::rows::Rejected;
use super::sender::Outcome;

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
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
    pub retry_for: Duration,
}

/// Hands the rows that `next` gives to `add`, and counts what became of them.
///
/// # Errors
/// Where rows cannot be read, or a batch was neither added nor rejected.
pub async fn send<R, F>(
    args: &Args,
    bar: &ProgressBar,
    mut next: impl FnMut() -> Result<Option<Result<R, Rejected>>>,
    add: impl Fn(Vec<R>) -> F,
) -> Result<Outcome>
where
    F: Future<Output = Result<Outcome>> + Send + 'static,
{
    let (batch, in_flight) = (usize::try_from(args.batch)?, usize::try_from(args.in_flight)?);
    let mut total = Outcome::default();
    let mut sending: JoinSet<Result<Outcome>> = JoinSet::new();
    loop {
        let mut full: Vec<R> = Vec::with_capacity(batch);
        while full.len() < batch {
            match next()? {
                Some(Ok(row)) => full.push(row),
                Some(Err(rejected)) => total.rejected.push(rejected),
                None => break,
            }
        }
        let done = full.is_empty();
        if !done {
            sending.spawn(add(full));
        }
        while sending.len() >= in_flight || done && !sending.is_empty() {
            let Some(outcome) = sending.join_next().await else { break };
            let outcome = outcome.context("a batch was lost")?.with_context(|| {
                format!("stopped after {} rows; run the same again to go on", total.added)
            })?;
            total.add(outcome);
            bar.set_message(format!("{} rows, {} rejected", total.added, total.rejected.len()));
        }
        if done {
            return Ok(total);
        }
    }
}

/// How far a file of that size has been read.
///
/// # Errors
/// Never: its template is one.
pub fn bar(size: u64) -> Result<ProgressBar> {
    let template = "{bar:40} {percent:>3}% {bytes_per_sec} {msg} (about {eta} left)";
    match ProgressStyle::with_template(template) {
        Ok(style) => Ok(ProgressBar::new(size).with_style(style)),
        Err(error) => bail!("progress bar: {error}"),
    }
}
