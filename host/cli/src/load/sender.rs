//! Sending rows, until each is added or rejected.

use std::time::Duration;

use anyhow::{Result, bail};
use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::rows::{Rejected, Row};
use crate::client::{Answer, Client};

/// Longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

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
        let answer = self.insist(|| self.client.get("/status")).await?;
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
    async fn insist<F>(&self, ask: impl Fn() -> F) -> Result<Answer>
    where
        F: Future<Output = Result<Answer>>,
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
