//! Sending rows, until each is added or rejected.

use std::time::Duration;

use anyhow::{Result, bail};
use hyper::StatusCode;
use serde_json::{Value, json};

use super::rows::{Rejected, Row};
use crate::client::{Client, insist};

/// Sends rows of one file.
#[derive(Clone)]
pub struct Sender {
    client: Client,
    /// Digest of the file.
    file: String,
    retry_for: Duration,
}

/// What became of some rows.
#[derive(Default)]
pub struct Outcome {
    /// Rows in the table now.
    pub added: usize,
    /// Rows that are not.
    pub rejected: Vec<Rejected>,
}

impl Sender {
    /// A sender of the file with that digest.
    pub fn new(client: Client, file: String, retry_for: Duration) -> Self {
        Sender { client, file, retry_for }
    }

    /// What `/status` tells.
    pub async fn status(&self) -> Result<Value> {
        let answer = insist(self.retry_for, || self.client.get("/status")).await?;
        match answer.status {
            StatusCode::OK => Ok(answer.body["message"].clone()),
            _ => bail!("{}", answer.message()),
        }
    }

    /// Adds rows.
    pub async fn add(&self, rows: Vec<Row>) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut left: Vec<&[Row]> = vec![&rows];
        while let Some(part) = left.pop() {
            let (Some(first), Some(last)) = (part.first(), part.last()) else { continue };
            let once = format!("{}-{}-{}", self.file, first.line, last.line);
            let data: Vec<&Value> = part.iter().map(|r| &r.json).collect();
            let body = serde_json::to_vec(&json!({"data": data}))?;
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
