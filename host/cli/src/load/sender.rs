//! Sending rows, until each is added or rejected.

use std::time::Duration;

use anyhow::{Result, bail};
use bytes::Bytes;
use hyper::StatusCode;
use ringwright_model::Key;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::rows::{Rejected, Row};
use crate::client::{Answer, Client, insist};

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
        let answer = insist(self.retry_for, || self.client.get("/status")).await?;
        match answer.status {
            StatusCode::OK => Ok(answer.body["message"].clone()),
            _ => bail!("{}", answer.message()),
        }
    }

    /// The rows there are from `low` to `high`.
    pub async fn read(&self, column: &str, low: Key, high: Key) -> Result<Answer<Bytes>> {
        insist(self.retry_for, || self.client.read(column, low, high)).await
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
            let answer = insist(self.retry_for, post).await?;
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
}
