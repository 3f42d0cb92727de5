//! `/rebalance`.

use serde_json::{Value, json};

use crate::support::{Api, papers_init, row, set};

const REBALANCE: &str = "/rebalance";

/// Three shards, all on the first of three servers, with rows.
async fn lopsided() -> Api {
    let api = Api::start().await;
    let servers = json!({"Server0": ["sh1", "sh2", "sh3"], "Server1": [], "Server2": []});
    api.post("/init", set(papers_init(), "/servers", servers)).await.ok();
    api.fill().await;
    api
}

async fn moves(api: &Api, payload: Value) -> Vec<Value> {
    let body = api.post(REBALANCE, payload).await.ok();
    assert_eq!(body["status"], "successful");
    body["message"]["moves"].as_array().unwrap().clone()
}

fn holds(status: &Value) -> Vec<usize> {
    let servers = status["servers"].as_object().unwrap().values();
    servers.map(|shards| shards.as_array().unwrap().len()).collect()
}

#[tokio::test]
async fn a_dry_run_shows_the_moves_and_what_they_cost() {
    let api = lopsided().await;
    let before = api.state().await;
    let proposed = moves(&api, json!({})).await;
    assert_eq!(proposed, moves(&api, json!({"dry_run": true})).await, "unless told otherwise");
    assert_eq!(proposed.len(), 2, "{proposed:?}");
    for m in &proposed {
        assert_eq!(m["from"], "Server0", "{m}");
        assert!(m["reason"].as_str().is_some_and(|r| !r.is_empty()) && m["gain"].is_f64(), "{m}");
        let held: u64 = match m["shard"].as_str().unwrap() {
            "sh1" => [10, 2255, 3524].iter().map(|id| row(*id).to_string().len() as u64).sum(),
            "sh2" => row(5000).to_string().len() as u64,
            _ => row(10_005).to_string().len() as u64,
        };
        assert_eq!(m["bytes"], held, "{m}");
    }
    assert_ne!(proposed[0]["to"], proposed[1]["to"]);
    assert_eq!(api.state().await, before);
}

#[tokio::test]
async fn moves_are_carried_out() {
    let api = lopsided().await;
    let rows = api.rows(0, 20_000).await;
    let done = moves(&api, json!({"dry_run": false})).await;
    assert_eq!(done.len(), 2);
    let status = api.status().await;
    assert_eq!(holds(&status), [1, 1, 1], "{status}");
    for m in done {
        let shard = m["shard"].as_str().unwrap();
        assert_eq!(json!(api.in_sync(shard).await), json!([m["to"]]));
    }
    assert_eq!(api.rows(0, 20_000).await, rows);
    assert_eq!(moves(&api, json!({"dry_run": false})).await, Vec::<Value>::new(), "all is level");
}

#[tokio::test]
async fn the_first_move_that_fails_ends_it_and_is_taken_back() {
    let api = lopsided().await;
    let rows = api.rows(0, 20_000).await;
    let proposed = moves(&api, json!({})).await;
    let name = |m: &Value, field: &str| m[field].as_str().unwrap().to_owned();
    // The balancer does not know yet.
    api.servers.crash(&name(&proposed[1], "to"), false).await;
    let message = api.post(REBALANCE, json!({"dry_run": false})).await.refusal(503);
    let (shard, to) = (name(&proposed[1], "shard"), name(&proposed[1], "to"));
    let says = format!("1 of 2 moves are done; then shard '{shard}' could not go from 'Server0'");
    assert!(message.contains(&says), "{message}");
    assert_eq!(api.in_sync(&name(&proposed[0], "shard")).await, [name(&proposed[0], "to")]);
    assert_eq!(api.in_sync(&shard).await, ["Server0"]);
    assert!(api.replicas(&shard, "out_of_sync").await.is_empty());
    assert_eq!(api.rows(0, 20_000).await, rows);
    api.bring_up(&to).await;
    assert_eq!(moves(&api, json!({"dry_run": false})).await.len(), 1, "what was left");
}

#[tokio::test]
async fn a_rebalance_that_can_not_be_right_is_refused() {
    let api = lopsided().await;
    let request = ("POST", REBALANCE);
    api.refuses(request, json!({"dry_run": "no"}), 400, "'dry_run'").await;
    api.refuses(request, json!([]), 400, "must be a JSON object").await;
    let plain = Api::start().await;
    assert_eq!(moves(&plain, json!({"dry_run": false})).await, Vec::<Value>::new());
}
