//! `/dashboard`: the page, what it lives on, and what only a demo may do.

use std::sync::Arc;
use std::time::Duration;

use ringwright_replication::Member;
use ringwright_wire::Secret;
use serde_json::{Value, json};

use crate::support::{Api, Options, Sent, Stream, papers_add, row};

async fn demo(token: Option<&str>) -> Api {
    let mut options = Options::default();
    options.balancer.demo = true;
    options.balancer.token = token.map(|token| Secret::new(token).unwrap());
    Api::with(options).await
}

#[tokio::test]
async fn the_page_is_served_and_found() {
    let api = Api::start().await;
    let page = api.get("/dashboard").await;
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert!(page.text.contains("<title>Ringwright</title>"));
    assert!(page.headers["content-security-policy"].to_str().unwrap().contains("'self'"));
    assert_eq!(api.get("/dashboard/js/main.js").await.status, 200);
    assert_eq!(api.get("/dashboard/js/none.js").await.status, 404);
    assert_eq!(api.get("/help").await.ok()["message"]["dashboard"], "/dashboard - Methods : GET");
    let browser = [("accept", "text/html")];
    assert!(api.send("GET", "/", &browser, "").await.text.contains("<a href=/dashboard>"));
}

#[tokio::test]
async fn who_watches_is_told_all_and_then_what_changes() {
    let api = Api::configured().await;
    let mut stream = api.listen("/dashboard/live", &[]).await;
    assert_eq!(stream.next().await.unwrap().event, "history");
    let ring = stream.next().await.unwrap();
    assert_eq!((ring.event.as_str(), &ring.data["slots"]), ("ring", &json!(512)));
    let first = stream.next().await.unwrap();
    assert_eq!(first.event, "snapshot");
    let names: Vec<&str> = first.data["servers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["name"].as_str().unwrap())
        .collect();
    assert_eq!(json!(names), ring.data["servers"], "by number, as by name here");
    assert_eq!(first.data["shards"][0]["state"], "whole");
    assert_eq!(first.data["columns"][0], json!(["Stud_id", "Number"]));
    assert_eq!(first.data["hash"], "virtual-node");

    // Others who watch are told it at once, and the ring again only when it changes.
    for _ in 0..2 {
        api.listen("/dashboard/live", &[]).await.until("snapshot").await;
    }
    let (second, third) = (stream.next().await.unwrap(), stream.next().await.unwrap());
    assert_eq!([&*second.event, &*third.event], ["snapshot"; 2]);
    let time = |sent: &Sent| sent.data["time_ms"].as_u64().unwrap();
    // Not the second: the first look may have taken most of its second, for the ring.
    assert!(time(&third) >= time(&first) + 500, "it is looked once a second");
    api.post("/add", papers_add()).await.ok();
    let told = stream.until("ring").await;
    assert_eq!(told.last().unwrap().data["servers"].as_array().unwrap().len(), 5);
}

fn suspect(members: &[Arc<Member>], is: bool) {
    for member in members {
        member.set_suspect(is);
    }
}

#[tokio::test]
async fn a_shard_is_whole_under_replicated_read_only_or_unavailable() {
    for (needed, one_away) in [(1, "under-replicated"), (2, "read-only")] {
        let mut options = Options::default();
        options.replication.min_in_sync = needed;
        follows_its_replicas(&Api::configured_with(options).await, one_away).await;
    }
}

/// The first shard, with none of its two servers away, one, and both.
async fn follows_its_replicas(api: &Api, one_away: &str) {
    let mut stream = api.listen("/dashboard/live", &[]).await;
    let mut state = async |wanted: &str| {
        for _ in 0..20 {
            let told = stream.until("snapshot").await;
            if told.last().unwrap().data["shards"][0]["state"] == wanted {
                return;
            }
        }
        panic!("never {wanted}");
    };
    state("whole").await;
    let view = api.balancer.cluster.view();
    let holders = view.shards[0].in_sync.clone();
    suspect(&holders[..1], true);
    state(one_away).await;
    suspect(&holders, true);
    state("unavailable").await;
    suspect(&holders, false);
    state("whole").await;
}

/// The replica of the first shard on a server, in a snapshot.
fn replica(told: &Sent, server: &str) -> Value {
    let servers = told.data["servers"].as_array().unwrap();
    let at = servers.iter().position(|s| s["name"] == server).unwrap();
    let replicas = told.data["shards"][0]["replicas"].as_array().unwrap();
    replicas.iter().find(|r| r[0] == at).map_or(Value::Null, |r| json!(r.as_array().unwrap()[1..]))
}

/// Reads snapshots until one says this of a replica of the first shard.
async fn until_replica(stream: &mut Stream, server: &str, is: Value) {
    let mut last = Value::Null;
    for _ in 0..20 {
        let told = stream.until("snapshot").await;
        last = replica(told.last().unwrap(), server);
        if last == is {
            return;
        }
    }
    panic!("never {is}: {last}");
}

#[tokio::test]
async fn of_a_replica_that_is_behind_it_is_told_how_far_it_is() {
    let api = Api::filled().await;
    let mut stream = api.listen("/dashboard/live", &[]).await;
    until_replica(&mut stream, "Server0", json!([true])).await;
    api.servers.crash("Server0", false).await;
    api.post("/write", json!({"data": [row(11)]})).await.ok();
    // It had the first write, and lacks the second.
    until_replica(&mut stream, "Server0", json!([false, {"vat": 1, "copying": null}])).await;
    api.bring_up("Server0").await;
    api.balancer.cluster.join("sh1", "Server0").await.unwrap();
    until_replica(&mut stream, "Server0", json!([true])).await;

    // Its copy has begun, and nobody sends it anything yet.
    for holder in ["Server0", "Server2"] {
        api.servers.hang(holder).await;
    }
    let (client, add) = (api.another_client(), json!({"n": 1, "servers": {"New": ["sh1"]}}));
    let added = tokio::spawn(async move { client.post("/add", add).await });
    let copying = json!([false, {"vat": null, "copying": [0, null]}]);
    until_replica(&mut stream, "New", copying).await;
    added.abort();
}

#[tokio::test]
async fn reads_and_writes_of_a_server_are_counted_apart() {
    let api = Api::filled().await;
    for _ in 0..3 {
        api.get("/home").await.ok();
    }
    let mut stream = api.listen("/dashboard/live", &[]).await;
    let told = stream.until("snapshot").await;
    let servers = told.last().unwrap().data["servers"].as_array().unwrap();
    let sum = |what| servers.iter().map(|s| s[what].as_u64().unwrap()).sum::<u64>();
    // A write to three shards of two replicas each.
    assert_eq!((sum("reads"), sum("writes")), (3, 6), "{servers:?}");
}

#[tokio::test]
async fn who_comes_later_is_told_of_the_traffic_before() {
    let api = Api::filled().await;
    api.get("/nowhere").await.refusal(400);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let mut stream = api.listen("/dashboard/live", &[]).await;
    let told = stream.until("history").await;
    let samples = told.last().unwrap().data.as_array().unwrap();
    let seen = |s: &Value| s["requests_per_s"].as_f64().unwrap() > 0.0;
    assert!(samples.len() >= 2 && samples.iter().any(seen), "{samples:?}");
    // While somebody looks it goes on, a sample a second, and none is told twice.
    let mut times: Vec<u64> = samples.iter().map(|s| s["time_ms"].as_u64().unwrap()).collect();
    for _ in 0..3 {
        let told = stream.until("snapshot").await;
        times.push(told.last().unwrap().data["traffic"]["time_ms"].as_u64().unwrap());
    }
    times.dedup();
    assert!(times.is_sorted() && times.len() >= samples.len() + 2, "{times:?}");
}

#[tokio::test]
async fn only_a_demo_lets_servers_be_killed() {
    let api = Api::configured().await;
    api.post("/demo/kill", json!({"server": "Server0"})).await.refusal(404);
    assert_eq!(api.status().await["server_states"]["Server0"], "live");
}

#[tokio::test]
async fn what_cannot_be_killed_is_told_by_field() {
    let api = demo(None).await;
    let missing = api.post("/demo/kill", json!({})).await.refusal(400);
    assert!(missing.contains("field 'server'"), "{missing}");
    let unknown = api.post("/demo/kill", json!({"server": "S9"})).await.refusal(404);
    assert!(unknown.contains("'S9'"), "{unknown}");
}

#[tokio::test]
async fn whoever_kills_shows_the_token() {
    let api = demo(Some("0123456789abcdef")).await;
    api.post("/demo/kill", json!({"server": "S9"})).await.refusal(401);
}
