//! `--demo`: the paper's cluster and a sample of students, and what to try on them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use ringwright_wire::Secret;
use serde_json::{Value, json};

use super::setup;
use super::url;
use crate::client::Client;
use crate::output;

/// Keys of the paper's default cluster: three shards of 4096.
const KEYS: u32 = 3 * 4096;

/// Students in the sample.
const STUDENTS: usize = 10_000;

/// Students a request.
const BATCH: usize = 500;

const FIRST_NAMES: &str = "Ada Alan Barbara Donald Edsger Frances Grace John Katherine Leslie \
    Margaret Niklaus Radia Shafi Tim Tony";
const LAST_NAMES: &str = "Adams Bose Chen Das Evans Fischer Garcia Haddad Ito Jensen Khan Lopez \
    Mehta Novak Okafor Perez";

/// Sets the cluster up where there is none, and tells what to try.
pub async fn run(address: SocketAddr, data: PathBuf, token: Option<Secret>) {
    let client = Client::at(url(address), token);
    let done = match set_up(&client, &data).await {
        Ok(()) => output::print(&guide(&url(address), &data)).map_err(Into::into),
        Err(error) => Err(error),
    };
    if let Err(error) = done {
        tracing::error!(error = format!("{error:#}"), "the sample could not be set up");
    }
}

async fn set_up(client: &Client, data: &Path) -> Result<()> {
    // There while the sample is not whole: a run that was cut short is gone on with.
    let unfinished = data.join("sample.unfinished");
    if !setup::is_configured(client).await? {
        std::fs::write(&unfinished, "").context("cannot write to the data folder")?;
        setup::init(client, &cluster()?).await?;
    }
    if unfinished.exists() {
        for (i, batch) in students().chunks(BATCH).enumerate() {
            let once = format!("sample-{i}");
            let payload = serde_json::to_vec(&json!({"data": batch}))?;
            setup::post(client, "/write", Some(&once), payload).await?;
        }
        tracing::info!(students = STUDENTS, "sample loaded");
        std::fs::remove_file(&unfinished).context("cannot write to the data folder")?;
    }
    Ok(())
}

/// The paper's default cluster.
fn cluster() -> Result<Value> {
    serde_json::from_str(include_str!("cluster.json")).context("cluster.json")
}

/// The same students every time.
fn students() -> Vec<Value> {
    let mut random = StdRng::seed_from_u64(512);
    let mut ids: Vec<u32> = (0..KEYS).collect();
    ids.shuffle(&mut random);
    ids.truncate(STUDENTS);
    ids.sort_unstable();
    let first: Vec<&str> = FIRST_NAMES.split_whitespace().collect();
    let last: Vec<&str> = LAST_NAMES.split_whitespace().collect();
    let mut pick = |n: usize| random.random_range(0..n);
    ids.into_iter()
        .map(|id| {
            let name = format!("{} {}", first[pick(first.len())], last[pick(last.len())]);
            json!({"Stud_id": id, "Stud_name": name, "Stud_marks": pick(101)})
        })
        .collect()
}

fn guide(url: &str, data: &Path) -> String {
    format!(
        "
Ringwright is at {url}. Ctrl-C stops it and its servers.

  {url}/dashboard   what it does, as it does it
  {url}/docs        its API, to try out

  curl {url}/status
  curl {url}/read -H 'content-type: application/json' -d '{{\"Stud_id\": {{\"low\": 1000, \"high\": 1010}}}}'
  curl {url}/write -H 'content-type: application/json' -d '{{\"data\": [{{\"Stud_id\": {}, \"Stud_name\": \"Ada\", \"Stud_marks\": 99}}]}}'

The data is in {}
",
        free_id(),
        data.display()
    )
}

/// A key that no student of the sample has, so that the example works the first time.
fn free_id() -> u32 {
    let taken: Vec<Value> = students();
    let is_free = |id: &u32| !taken.iter().any(|s| s["Stud_id"] == *id);
    (0..KEYS).find(is_free).unwrap_or(KEYS)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_sample_is_the_same_every_time_and_fits_the_cluster() {
        let sample = students();
        assert_eq!(sample, students());
        let ids: BTreeSet<u64> = sample.iter().filter_map(|s| s["Stud_id"].as_u64()).collect();
        assert_eq!(ids.len(), STUDENTS);
        assert!(ids.iter().all(|id| *id < u64::from(KEYS)));
        assert!(!ids.contains(&u64::from(free_id())));
    }
}
