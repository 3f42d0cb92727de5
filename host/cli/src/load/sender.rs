//! Sending rows, until each is added or rejected.

use std::time::Duration;

use anyhow::{Result, bail};
use bytes::Bytes;
use hyper::StatusCode;
use ringwright_model::Key;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::rows::{Rejected, Row};
use crate::client::{Answer, Client};

/// Longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Sends rows of one file.
#[derive(Clone)]
pub struct Sender {
    client: Client,
    /// What the keys of its requests begin with.
    once: String,
    retry_for: Duration,
}

/// What became of some rows.
#[derive(Default)]
pub struct Outcome {
    /// Rows in the table now.
    pub added: usize,
    /// Rows that were in the table just so.
    pub unchanged: usize,
    /// Rows that are not.
    pub rejected: Vec<Rejected>,
}

impl Outcome {
    /// Counts what became of others in.
    pub fn add(&mut self, other: Outcome) {
        self.added += other.added;
        self.unchanged += other.unchanged;
        self.rejected.extend(other.rejected);
    }
}

/// What `/write` takes.
#[derive(Serialize)]
struct Payload<'a> {
    data: Vec<&'a RawValue>,
}

impl Sender {
    /// A sender whose requests go under idempotency keys that begin with `once`.
    pub fn new(client: Client, once: String, retry_for: Duration) -> Self {
        Sender { client, once, retry_for }
    }

    /// What `/status` tells.
    pub async fn status(&self) -> Result<Value> {
        let answer = self.insist(|| self.client.get("/status")).await?;
        match answer.status {
            StatusCode::OK => Ok(answer.body["message"].clone()),
            _ => bail!("{}", answer.message()),
        }
    }

    /// The rows there are from `low` to `high`.
    pub async fn read(&self, column: &str, low: Key, high: Key) -> Result<Answer<Bytes>> {
        self.insist(|| self.client.read(column, low, high)).await
    }

    /// Adds rows.
    pub async fn add(&self, rows: Vec<Row>) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut left: Vec<&[Row]> = vec![&rows];
        while let Some(part) = left.pop() {
            let (Some(first), Some(last)) = (part.first(), part.last()) else { continue };
            let once = format!("{}-{}-{}", self.once, first.line, last.line);
            let data = part.iter().map(|r| &*r.json).collect();
            let body = serde_json::to_vec(&Payload { data })?;
            let post = || self.client.post("/write", Some(&once), body.clone());
            let answer = self.insist(post).await?;
            match answer.status {
                StatusCode::OK => outcome.added += part.len(),
                StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::PAYLOAD_TOO_LARGE => {
                    match part {
                        [row] => outcome
                            .rejected
                            .push(Rejected { line: row.line, message: answer.message() }),
                        _ => {
                            let (front, back) = part.split_at(part.len() / 2);
                            left.extend([back, front]);
                        }
                    }
                }
                status => bail!("the balancer answered {status}: {}", answer.message()),
            }
        }
        Ok(outcome)
    }

    /// Asks again while there is no answer, or none but that nobody can serve it now.
    async fn insist<B, F>(&self, ask: impl Fn() -> F) -> Result<Answer<B>>
    where
        F: Future<Output = Result<Answer<B>>>,
    {
        let deadline = Instant::now() + self.retry_for;
        let mut pause = Duration::from_millis(100);
        loop {
            let answer = ask().await;
            let served = answer.as_ref().is_ok_and(|a| !a.status.is_server_error());
            if served || Instant::now() + pause > deadline {
                return answer;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
