//! `ringwright health`: whether what runs here is well, for whatever watches over a container.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(2);

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// What to ask for: /healthz and /readyz of a balancer, /heartbeat of a shard server.
    #[arg(default_value = "/healthz")]
    path: String,
    /// Port on this machine.
    #[arg(long, env = "RINGWRIGHT_PORT", default_value_t = 5000)]
    port: u16,
}

/// Asks once. Fails where the answer is not a good one.
pub async fn run(args: Args) -> Result<ExitCode> {
    let url = format!("http://127.0.0.1:{}{}", args.port, args.path);
    let request = Request::get(&url).body(Empty::<Bytes>::new())?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = tokio::time::timeout(TIMEOUT, client.request(request)).await??;
    if !answer.status().is_success() {
        bail!("{url} answers {}", answer.status());
    }
    Ok(ExitCode::SUCCESS)
}
