//! What each replica has, asked of its server alone.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::deployment::Deployment;
use crate::load::{Expected, Load};
use crate::program::{PATIENCE, until};

/// Looks until a look is not disturbed by a server that is replaced, or a replica that falls behind.
pub async fn check(deployment: &Deployment, load: &Load) {
    let secret = deployment.secret();
    until("every replica can be looked at", async || match look(deployment, load, &secret).await {
        Ok(()) => Some(()),
        Err(disturbed) => {
            eprintln!("looking again at the replicas: {disturbed:#}");
            deployment.all_in_sync().await;
            None
        }
    })
    .await;
}

/// Every replica has every acknowledged write, and all replicas of a shard have the same rows.
async fn look(deployment: &Deployment, load: &Load, secret: &str) -> Result<()> {
    let expected = load.rows();
    let status = deployment.status().await;
    let mut checked = 0;
    for shard in status["shards"].as_array().unwrap() {
        let id = shard["shard_id"].as_str().unwrap();
        let low = shard["stud_id_low"].as_u64().unwrap();
        let high = low + shard["shard_size"].as_u64().unwrap() - 1;
        let mut first: Option<(String, Vec<Value>)> = None;
        for (server, shards) in status["servers"].as_object().unwrap() {
            if !shards.as_array().unwrap().contains(&json!(id)) {
                continue;
            }
            let query = json!({"shard": id, "low": low, "high": high, "vat": shard["valid_at"]});
            let rows = ask(deployment, secret, server, &status["epoch"], query).await?;
            has_all(&rows, &expected, low, high)
                .unwrap_or_else(|lost| panic!("{id} on {server} {lost}"));
            match &first {
                Some((other, theirs)) => assert_eq!(&rows, theirs, "{id}: {server}, {other}"),
                None => first = Some((server.clone(), rows)),
            }
            checked += 1;
        }
    }
    assert!(checked >= 6, "only {checked} replicas were looked at");
    Ok(())
}

fn has_all(
    rows: &[Value],
    expected: &BTreeMap<u64, Expected>,
    low: u64,
    high: u64,
) -> Result<(), String> {
    let number = |row: &Value, column: &str| row[column].as_u64().unwrap();
    let found: BTreeMap<u64, u64> =
        rows.iter().map(|row| (number(row, "Stud_id"), number(row, "Stud_marks"))).collect();
    for (key, row) in expected.range(low..=high) {
        let (found, Some(least)) = (found.get(key), row.acknowledged) else { continue };
        if found.is_none_or(|marks| *marks < least) {
            return Err(format!("lost key {key}: {found:?} instead of {row:?}"));
        }
    }
    Ok(())
}

/// The rows by the message that the balancer itself reads with; why it got none, where the server
/// is just replaced, or holds the shard no more.
async fn ask(
    deployment: &Deployment,
    secret: &str,
    server: &str,
    epoch: &Value,
    query: Value,
) -> Result<Vec<Value>> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let address = deployment.address(server)?;
    let url = |path: &str| format!("http://{address}{path}");
    let secret = format!("Bearer {secret}");
    let send = async |request: hyper::http::request::Builder, body: String| {
        let request = request.header("authorization", &secret).body(Full::from(body)).unwrap();
        let answer = client.request(request);
        timeout(PATIENCE, answer).await?.with_context(|| server.to_owned())
    };
    let beat = send(Request::get(url("/heartbeat")), String::new()).await?;
    let incarnation = beat.headers()["x-ringwright-incarnation"].to_str().unwrap();
    let read = json!({"stamp": {"epoch": epoch, "incarnation": incarnation}, "queries": [query]});
    let request = Request::post(url("/internal/read")).header("content-type", "application/json");
    let answer = body_of(send(request, read.to_string()).await?).await?;
    let rows = answer["results"][0]["rows"].as_array();
    let rows = rows.with_context(|| format!("{server}: {answer}"))?;
    Ok(rows.iter().map(|row| row[1].clone()).collect())
}

async fn body_of(answer: hyper::Response<hyper::body::Incoming>) -> Result<Value> {
    let body = answer.into_body().collect().await?.to_bytes();
    Ok(serde_json::from_slice(&body)?)
}
