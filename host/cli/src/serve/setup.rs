//! `--init`: the first cluster, from a file, where there is none yet.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::time::sleep;

use crate::client::{Answer, Client, insist};

/// How long a balancer may take until it can serve.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a cluster may take to be set up: a machine that is busy takes its time to start many
/// servers, each with a Postgres.
const SETUP: Duration = Duration::from_secs(300);

/// Pause before a cluster that could not be set up is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// A payload of `/init`.
///
/// # Errors
/// Where the file cannot be read, or is no JSON.
pub fn payload(file: &Path) -> Result<Value> {
    let text =
        std::fs::read(file).with_context(|| format!("--init: cannot read {}", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("--init: {} is no JSON", file.display()))
}

/// Sets the cluster up where there is none, and tries again until there is.
pub async fn run(client: Client, payload: Value) {
    let client = client.waits(SETUP);
    while let Err(error) = unless_there(&client, &payload).await {
        tracing::error!(error = format!("{error:#}"), "the cluster could not be set up");
        sleep(RETRY).await;
    }
}

async fn unless_there(client: &Client, payload: &Value) -> Result<()> {
    if !is_configured(client).await? {
        init(client, payload).await?;
        tracing::info!("the cluster was set up");
    }
    Ok(())
}

/// Sets a cluster up.
pub async fn init(client: &Client, payload: &Value) -> Result<()> {
    post(client, "/init", None, serde_json::to_vec(payload)?).await
}

/// Sends what is to be done, for as long as a busy balancer may take.
pub async fn post(client: &Client, path: &str, once: Option<&str>, body: Vec<u8>) -> Result<()> {
    let answer = insist(PATIENCE, || client.post(path, once, body.clone())).await?;
    good(answer).map(|_| ())
}

/// Whether there is a cluster. A balancer that cannot serve yet has not said that there is none.
pub async fn is_configured(client: &Client) -> Result<bool> {
    let status = good(insist(PATIENCE, || client.get("/status")).await?)?;
    Ok(!status["message"]["schema"].is_null())
}

/// The body of a good answer.
fn good(answer: Answer) -> Result<Value> {
    ensure!(answer.status.is_success(), "{}", answer.message());
    Ok(answer.body)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::serve::url;

    #[tokio::test]
    async fn a_balancer_that_cannot_serve_yet_is_asked_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = Client::at(url(listener.local_addr().unwrap()), None);
        tokio::spawn(async move {
            let answers = [
                ("503 Service Unavailable", r#"{"message": "<Error> not in charge"}"#),
                ("429 Too Many Requests", r#"{"message": "<Error> too many requests"}"#),
                ("200 OK", r#"{"message": {"schema": {"columns": ["a"]}}}"#),
            ];
            for (status, body) in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 1024]).await.unwrap();
                let length = body.len();
                let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n");
                let answer = format!("{head}content-length: {length}\r\n\r\n{body}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        assert!(is_configured(&client).await.unwrap());
    }
}
