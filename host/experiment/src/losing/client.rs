//! A client, and what it was answered.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::{Result, ensure};
use hyper::Request;
use ringwright_testbed::{Ask, Connection, read, write};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::schedule::KEYS;
use crate::Sample;

/// What a protocol made of the schedule.
pub(crate) struct Played {
    /// What each step was answered, or what was then seen.
    pub answers: Vec<String>,
    pub acknowledged: BTreeSet<u64>,
    /// What a client reads at the end.
    pub found: BTreeSet<u64>,
    pub samples: Vec<Sample>,
}

impl Played {
    pub fn json(&self) -> Value {
        json!({"answers": self.answers, "acknowledged": self.acknowledged, "found": self.found})
    }
}

/// A client, who writes down what is answered.
pub(super) struct Client {
    address: String,
    began: Instant,
    /// Requests sent.
    sent: usize,
    pub played: Played,
}

/// A write under way: its key, and what will be answered.
pub(super) struct UnderWay(u64, JoinHandle<Result<(Sample, Value)>>);

impl Client {
    pub fn new(address: &str) -> Self {
        let played = Played {
            answers: Vec::new(),
            acknowledged: BTreeSet::new(),
            found: BTreeSet::new(),
            samples: Vec::new(),
        };
        Client { address: address.to_owned(), began: Instant::now(), sent: 0, played }
    }

    pub fn says(&mut self, seen: String) {
        self.played.answers.push(seen);
    }

    /// Sends a request, on a connection of its own.
    fn sends(&mut self, ask: Ask) -> JoinHandle<Result<(Sample, Value)>> {
        let (address, began, request) = (self.address.clone(), self.began, self.sent);
        self.sent += 1;
        tokio::spawn(async move {
            let mut connection = Connection::open(&address).await?;
            let (method, path, body) = ask;
            let begin = Instant::now();
            let head = Request::builder().method(method).uri(path);
            let answer = connection.ask(head, body).await?;
            let (start, latency) = (begin - began, begin.elapsed());
            let status = answer.status;
            let sample = Sample { request, start, latency, status, ..Sample::default() };
            Ok((sample, answer.json()))
        })
    }

    pub fn begins(&mut self, key: u64) -> UnderWay {
        UnderWay(key, self.sends(write(key, 0)))
    }

    pub async fn ends(&mut self, UnderWay(key, write): UnderWay) -> Result<()> {
        let (sample, answer) = write.await??;
        if sample.is_good() {
            self.played.acknowledged.insert(key);
        }
        let message = answer["message"].as_str().unwrap_or_default();
        self.says(format!("{}: {message}", sample.status));
        self.played.samples.push(sample);
        Ok(())
    }

    pub async fn writes(&mut self, key: u64) -> Result<()> {
        let write = self.begins(key);
        self.ends(write).await
    }

    pub async fn reads(&mut self, key: u64) -> Result<()> {
        let found = self.keys(read(key)).await?;
        self.says(shown(found.contains(&key)));
        Ok(())
    }

    pub async fn reads_all(&mut self) -> Result<()> {
        let (method, path, _) = read(0);
        let range = json!({"Stud_id": {"low": 0, "high": KEYS - 1}}).to_string();
        let found = self.keys((method, path, range)).await?;
        self.says(format!("rows {}", list(&found)));
        self.played.found = found;
        Ok(())
    }

    async fn keys(&mut self, ask: Ask) -> Result<BTreeSet<u64>> {
        let (sample, answer) = self.sends(ask).await??;
        ensure!(sample.is_good(), "a read: {answer}");
        self.played.samples.push(sample);
        let rows = answer["data"].as_array().into_iter().flatten();
        Ok(rows.filter_map(|row| row["Stud_id"].as_u64()).collect())
    }
}

/// What is seen of a row.
pub(super) fn shown(there: bool) -> String {
    if there { "the row" } else { "nothing" }.to_owned()
}

/// Keys for people.
pub(super) fn list(keys: &BTreeSet<u64>) -> String {
    if keys.is_empty() {
        return "none".to_owned();
    }
    keys.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}
