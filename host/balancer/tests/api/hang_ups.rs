//! Clients that hang up in the middle of a change.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Api, Client, Options, one_copy_each, papers_add, papers_init, row, set};

/// Sends a request, and hangs up once `begun` is so.
async fn hang_up(
    api: &Api,
    (method, path): (&'static str, &'static str),
    payload: Value,
    begun: impl Future<Output = ()>,
) {
    // A connection of its own, that goes with the request.
    let client: Client = api.another_client();
    let request = tokio::spawn(async move { client.call(method, path, &payload).await });
    begun.await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled(), "it was answered");
    // The balancer is to see it, which cannot be seen; too early, this test sees less.
    tokio::time::sleep(Duration::from_millis(100)).await;
}

#[tokio::test]
async fn an_init_is_seen_through() {
    let api = Api::start().await;
    api.servers.hold_starts(true);
    let begun = api.servers.another_start().await;
    hang_up(&api, ("POST", "/init"), papers_init(), begun).await;
    api.servers.hold_starts(false);
    let configured = async |api: &Api| api.status().await["schema"].is_object().then_some(());
    api.until("configured", configured).await;
    assert_eq!(api.status().await["servers"], papers_init()["servers"]);
    api.fill().await;
    assert_eq!(api.keys().await, [10, 2255, 3524, 5000, 10_005]);
    api.post("/add", json!({"n": 1, "hostnames": ["next"]})).await.ok();
}

#[tokio::test]
async fn an_add_is_seen_through() {
    let api = Api::filled().await;
    api.servers.hold_starts(true);
    let begun = api.servers.another_start().await;
    hang_up(&api, ("POST", "/add"), papers_add(), begun).await;
    api.servers.hold_starts(false);
    // Another change waits for it.
    api.post("/add", json!({"n": 1, "hostnames": ["next"]})).await.ok();
    let status = api.status().await;
    assert_eq!(status["N"], 6, "{status}");
    assert_eq!(status["servers"]["Server4"], json!(["sh3", "sh5"]));
    assert_eq!(api.in_sync("sh5").await.len(), 2);
    assert_eq!(api.servers.running().len(), 6, "no server that the cluster lacks");
    api.post("/write", json!({"data": [row(13_000)]})).await.ok();
}

#[tokio::test]
async fn an_add_that_fails_behind_its_clients_back_is_taken_back() {
    let mut options = Options::default();
    options.balancer.copy_timeout = Duration::from_secs(3); // time to hang up before it fails
    let api = Api::configured_with(options).await;
    api.fill().await;
    let before = api.status().await;
    // The balancer does not know yet, so the copy is begun, and comes to nothing.
    for lost in ["Server0", "Server2"] {
        api.servers.crash(lost, false).await;
    }
    let joins = api.until("a copy is begun", async |api: &Api| {
        let status = api.status().await;
        status["servers"]["A"].is_array().then_some(())
    });
    let add = json!({"n": 1, "servers": {"A": ["sh1"]}});
    hang_up(&api, ("POST", "/add"), add, joins).await;
    let gone = async |api: &Api| (!api.servers.running().contains(&"A".into())).then_some(());
    api.until("the new server is gone again", gone).await;
    let status = api.status().await;
    assert_eq!(status["servers"], before["servers"]);
    api.post("/add", json!({"n": 1, "hostnames": ["next"]})).await.ok();
}

#[tokio::test]
async fn a_rebalance_is_seen_through() {
    let api = Api::start().await;
    let servers = json!({"Server0": ["sh1", "sh2", "sh3"], "Server1": []});
    let init = set(set(papers_init(), "/servers", servers), "/N", json!(2));
    api.post("/init", init).await.ok();
    // Its target answers nothing, so the move stands half-way.
    api.servers.hang("Server1").await;
    let begun = async {
        let stands = async |api: &Api| {
            let status = api.status().await;
            let replicas = status["replicas"].as_array().unwrap();
            replicas.iter().any(|r| r["state"] == "out_of_sync").then_some(())
        };
        api.until("it copies", stands).await;
    };
    hang_up(&api, ("POST", "/rebalance"), json!({"dry_run": false}), begun).await;
    api.servers.crash("Server1", false).await;
    let over = async |api: &Api| {
        let servers = api.status().await["servers"].clone();
        (servers["Server1"] == json!([])).then_some(())
    };
    api.until("it is taken back", over).await;
    assert_eq!(api.status().await["servers"]["Server0"], json!(["sh1", "sh2", "sh3"]));
}

#[tokio::test]
async fn an_rm_is_seen_through() {
    let api = Api::start().await;
    api.post("/init", one_copy_each()).await.ok();
    api.fill().await;
    // Whoever is to have sh1 does not take it, so the change stands half-way.
    for target in ["Server1", "Server2"] {
        api.servers.crash(target, false).await;
    }
    let stands = async |api: &Api| api.replicas("sh1", "out_of_sync").await.pop();
    let copying = async {
        api.until("it copies", stands).await;
    };
    hang_up(&api, ("DELETE", "/rm"), json!({"n": 1, "servers": ["Server0"]}), copying).await;
    api.bring_up("Server1").await;
    api.bring_up("Server2").await;
    let gone = async |api: &Api| (!api.servers.running().contains(&"Server0".into())).then_some(());
    api.until("the server is gone", gone).await;
    let status = api.status().await;
    assert_eq!(status["N"], 2, "{status}");
    assert_eq!(api.in_sync("sh1").await.len(), 1);
    assert_eq!(api.keys().await, [10, 2255, 3524, 5000, 10_005]);
    api.post("/add", json!({"n": 1, "hostnames": ["next"]})).await.ok();
}
