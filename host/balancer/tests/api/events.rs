//! `/events`: what happens to the cluster, as it happens and afterwards.

use std::time::Duration;

use ringwright_balancer::brain::{self, FaultLimit};
use ringwright_balancer::{Settings, api};
use ringwright_metadata::MetadataStore;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::support::platform::{ACTIVE, Platform, fails_over_13};
use crate::support::{Api, Client, DEADLINE, HEARTBEAT, Options, Sent, papers_add, row};

const JSON: [(&str, &str); 1] = [("accept", "application/json")];

/// The events of a page.
async fn page(client: &Client, query: &str) -> Vec<Value> {
    let answer = client.send("GET", &format!("/events{query}"), &JSON, "").await.ok();
    assert_eq!(
        (&answer["status"], &answer["message"]["complete"]),
        (&json!("successful"), &json!(true))
    );
    answer["message"]["events"].as_array().unwrap().clone()
}

fn kinds(sent: &[Sent]) -> Vec<&str> {
    sent.iter().map(|sent| sent.event.as_str()).collect()
}

/// Whether these are among the others, in this order.
fn are_told_in_order(story: &[&str], told: &[&str]) -> bool {
    let mut told = told.iter();
    story.iter().all(|kind| told.any(|other| other == kind))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_crashes_is_a_story_as_it_happens() {
    let mut options = Options { supervised: true, ..Options::default() };
    // Time for its death to be told first.
    options.balancer.flatline_after = 20;
    let api = Api::configured_with(options).await;
    api.fill().await;
    let mut stream = api.listen("/events?last=0", &[]).await;
    api.servers.hold_starts(true);
    api.servers.crash("Server1", true).await;
    // A write that goes on without it, so that there is something to copy.
    api.post("/write", json!({"data": [row(5001)]})).await.ok();
    api.servers.hold_starts(false);
    let mut told = stream.until("replica-in-sync").await;
    // It is told at any time after it is so, and the copy does not wait for that.
    if !kinds(&told).contains(&"server-back") {
        told.extend(stream.until("server-back").await);
    }
    // On a slow machine the others miss a heartbeat now and then.
    told.retain(|sent| !sent.event.starts_with("heartbeat-") || sent.data["server"] == "Server1");
    let story = ["heartbeat-lost", "flatline", "respawn-begun", "copy-begun", "copy-done"];
    assert!(are_told_in_order(&story, &kinds(&told)), "{told:?}");
    assert!(are_told_in_order(&["respawn-begun", "server-back"], &kinds(&told)), "{told:?}");
    for sent in &told {
        assert_eq!(sent.id, sent.data["id"].as_u64());
        assert_eq!(sent.event, sent.data["kind"].as_str().unwrap());
        assert_eq!(sent.data["server"], "Server1", "{sent:?}");
        assert!(sent.data["time"].as_str().unwrap().ends_with('Z'), "{sent:?}");
    }
    assert!(told.is_sorted_by_key(|sent| sent.id));
    let in_sync = told.iter().find(|sent| sent.event == "replica-in-sync").unwrap();
    assert!(in_sync.data["details"]["versions"].as_u64().unwrap() >= 1, "{in_sync:?}");
    let flatline = told.iter().find(|sent| sent.event == "flatline").unwrap();
    assert_eq!(flatline.data["message"], "FLATLINE: the server is given up");
}

#[tokio::test]
async fn what_happened_is_told_from_where_a_client_left_off() {
    let api = Api::configured().await;
    let all = page(&api, "").await;
    let first: Vec<&str> = all.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(first, ["charge-taken", "cluster-initialised"]);
    let id = all[0]["id"].as_u64().unwrap();
    assert_eq!(page(&api, "?last=1").await, all[1..]);
    assert_eq!(page(&api, &format!("?after={id}")).await, all[1..]);
    assert_eq!(page(&api, &format!("?after={}", id + 1)).await, [] as [Value; 0]);
    assert_eq!(page(&api, "?last=0").await, [] as [Value; 0]);
    let mut stream = api.listen("/events", &[]).await;
    for event in &all {
        assert_eq!(stream.next().await.unwrap().data, *event);
    }
    let (last, first) = (id.to_string(), "/events?after=0&last=9");
    let mut stream = api.listen(first, &[("last-event-id", &last)]).await;
    assert_eq!(stream.next().await.unwrap().data, all[1], "a browser that comes back");
    // The data are others than those that the client knew.
    let mut anew = api.listen("/events?after=9000000000", &[]).await;
    assert_eq!(anew.next().await.unwrap().event, "reset");
    assert_eq!(anew.next().await.unwrap().data, all[0]);
    assert_eq!(anew.next().await.unwrap().data, all[1]);
    api.post("/add", papers_add()).await.ok();
    let added = stream.until("server-added").await;
    assert!(kinds(&added).contains(&"replica-in-sync"), "{added:?}");
}

#[tokio::test]
async fn what_is_no_number_is_refused_by_name() {
    let api = Api::start().await;
    for (query, headers, says) in [
        ("?after=x", vec![], "field 'after' must be a whole number from 0"),
        ("?last=-1", vec![], "field 'last' must be a whole number from 0"),
        ("?last=10001", vec![], "field 'last' must be at most 10000"),
        ("", vec![("last-event-id", "1 or 2")], "header 'Last-Event-ID' must be a whole number"),
    ] {
        let answer = api.send("GET", &format!("/events{query}"), &headers, "").await;
        let told = answer.refusal(400);
        assert!(told.contains(says), "{query}: {told}");
    }
}

#[tokio::test]
async fn each_change_of_the_cluster_or_its_brains_is_an_event() {
    let api = Api::configured().await;
    let mut stream = api.listen("/events?last=0", &[]).await;
    api.post("/add", json!({"n": 1, "servers": {"Server9": ["sh1"]}})).await.ok();
    api.put("/plugins/shadow", json!({"hash": "md5"})).await.ok();
    api.delete("/plugins/shadow", json!({})).await.ok();
    api.delete("/plugins/shadow", json!({})).await.ok();
    api.put(ACTIVE, json!({"hash": "md5", "placement": "spread"})).await.ok();
    api.post("/rebalance", json!({"dry_run": false})).await.ok();
    api.delete("/rm", json!({"n": 1, "servers": ["Server9"]})).await.ok();
    let told = stream.until("server-removed").await;
    let story = [
        "copy-begun",
        "copy-done",
        "replica-in-sync",
        "server-added",
        "shadow-begun",
        "shadow-ended",
        "plugin-swapped",
        "plugin-swapped",
        "rebalanced",
        "server-removed",
    ];
    assert!(are_told_in_order(&story, &kinds(&told)), "{told:?}");
    for (kind, about, names) in [
        ("copy-begun", "shard", "sh1"),
        ("server-added", "server", "Server9"),
        ("shadow-begun", "plugin", "md5"),
        ("shadow-ended", "plugin", "md5"),
        ("plugin-swapped", "plugin", "md5"),
        ("server-removed", "server", "Server9"),
    ] {
        let event = told.iter().find(|sent| sent.event == kind).unwrap();
        assert_eq!(event.data[about], names, "{event:?}");
    }
    let ended = told.iter().filter(|sent| sent.event == "shadow-ended");
    assert_eq!(ended.count(), 1, "there was one to end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_fails_too_often_is_an_event() {
    let faults = FaultLimit { faults: 2, within: Duration::from_secs(600) };
    let brain = brain::Settings { faults, ..Options::default().brain };
    let platform = Platform::with(Options { brain, ..Options::default() }).await;
    platform.drop_in("not-13s.wasm", fails_over_13());
    platform.put(ACTIVE, json!({"hash": "not-13s"})).await.ok();
    let mut stream = platform.listen("/events?last=0", &[]).await;
    for _ in 0..2 {
        platform.send("GET", "/home", &[("x-request-id", "13")], "").await.ok();
    }
    let told = stream.until("plugin-swapped").await;
    assert_eq!(kinds(&told), ["plugin-out-of-service", "plugin-swapped"]);
    assert_eq!(told[0].data["plugin"], "not-13s");
    assert!(told[0].data["details"]["reason"].as_str().unwrap().contains("2 times"), "{told:?}");
}

#[tokio::test]
async fn whoever_loses_the_charge_notes_it_and_the_next_one_has_numbers_of_its_own() {
    let api = Api::configured().await;
    let before = page(&api, "").await;
    let seen = api.store.charge().await.unwrap();
    api.store.take_charge("next", Duration::from_secs(1), &seen).await.unwrap().unwrap();
    api.post("/write", json!({"data": [row(1)]})).await.refusal(503);
    api.balancer.cluster.events().settle(DEADLINE).await;
    let kept = api.store.events(0, 100).await.unwrap();
    let last = kept.last().unwrap();
    assert_eq!(last.kind.name(), "charge-lost");
    assert!(last.id > before.last().unwrap()["id"].as_u64().unwrap() && last.id < 2_000_000_000);
    let next = ringwright_events::Events::start(api.store.clone(), 2);
    ringwright_events::tell!(next, INFO, ChargeTaken; "took charge of the cluster");
    next.settle(DEADLINE).await;
    let kept = api.store.events(last.id, 100).await.unwrap();
    assert_eq!(kept.iter().map(|event| event.id).collect::<Vec<_>>(), [2_000_000_001]);
}

#[tokio::test]
async fn streams_are_no_requests_under_way() {
    let balancer =
        Settings { max_requests: 1, heartbeat_interval: HEARTBEAT, ..Settings::default() };
    let api = Api::with(Options { balancer, ..Options::default() }).await;
    let mut streams = Vec::new();
    for _ in 0..256 {
        let mut stream = api.listen("/events", &[]).await;
        assert_eq!(stream.next().await.unwrap().event, "charge-taken");
        streams.push(stream);
    }
    api.get("/status").await.ok();
    let refused = api.get("/events").await;
    assert!(refused.refusal(503).contains("streams"), "{refused:?}");
    assert_eq!(refused.headers["retry-after"], "1");
    page(&api, "").await;
    drop(streams.pop());
    // An answer that goes on, where a refusal would be there at once.
    let goes_on = async |api: &Api| timeout(4 * HEARTBEAT, api.get("/events")).await.err();
    api.until("there is room for another", goes_on).await;
}

#[tokio::test]
async fn a_stream_ends_with_its_balancer() {
    let api = Api::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(api::serve(listener, api.balancer.clone(), async {
        let _ = stopped.await;
    }));
    let mut stream = client.listen("/events", &[]).await;
    assert_eq!(stream.next().await.unwrap().event, "charge-taken");
    stop.send(()).unwrap();
    assert_eq!(stream.next().await, None);
    timeout(DEADLINE, serving).await.expect("it waits for the stream").unwrap();
}
