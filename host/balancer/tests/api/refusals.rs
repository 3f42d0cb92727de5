//! What nobody can serve now is refused with 503, and changes nothing.

use std::time::Duration;

use ringwright_metadata::MetadataStore;
use serde_json::{Value, json};

use crate::support::{Api, Options, papers_init, row};

/// The paper's requests for rows of sh1.
fn requests() -> [(&'static str, &'static str, Value); 4] {
    [
        ("POST", "/read", json!({"Stud_id": {"low": 0, "high": 100}})),
        ("POST", "/write", json!({"data": [row(11)]})),
        ("PUT", "/update", json!({"Stud_id": 10, "data": row(10)})),
        ("DELETE", "/del", json!({"Stud_id": 10})),
    ]
}

#[tokio::test]
async fn a_shard_without_a_replica_can_not_be_read_or_written_and_the_others_can() {
    let api = Api::filled().await;
    for holder in ["Server0", "Server2"] {
        api.servers.crash(holder, false).await;
        api.balancer.cluster.detach(holder).unwrap();
    }
    for (method, path, payload) in requests() {
        let message = api.call(method, path, &payload).await.refusal(503);
        assert!(message.contains("shard 'sh1'"), "{method} {path}: {message}");
    }
    let message = api.get("/readyz").await.refusal(503);
    assert_eq!(message, "shard 'sh1' has no replica in sync that answers");
    api.post("/write", json!({"data": [row(4096)]})).await.ok();
    // A write over a shard that is there and one that is not is not done on either.
    let both = json!({"data": [row(12), row(4097)]});
    api.post("/write", both).await.refusal(503);
    for holder in ["Server0", "Server2"] {
        api.bring_up(holder).await;
    }
    api.get("/readyz").await.ok();
    assert_eq!(api.keys().await, [10, 2255, 3524, 4096, 5000, 10_005]);
}

#[tokio::test]
async fn below_min_in_sync_nothing_is_written() {
    let mut options = Options::default();
    options.replication.min_in_sync = 2;
    let api = Api::configured_with(options).await;
    api.fill().await;
    api.servers.crash("Server0", false).await;
    for (method, path, payload) in requests().into_iter().skip(1) {
        let message = api.call(method, path, &payload).await.refusal(503);
        assert!(message.contains("shard 'sh1'") && message.contains("2 are needed"), "{message}");
    }
    assert_eq!(api.keys().await, [10, 2255, 3524, 5000, 10_005], "reads go on");
    // Server0 has sh1 and sh2: both have two replicas in sync, of which one answers.
    let told = api.metrics().await;
    for (series, shards) in [
        ("ringwright_shards_read_only", 2.0),
        ("ringwright_shards_under_replicated", 2.0),
        ("ringwright_shards_unavailable", 0.0),
        ("ringwright_shard_replicas_in_sync{shard=\"sh1\"}", 2.0),
    ] {
        assert_eq!(told.value(series), Some(shards), "{series}");
    }
    api.post("/write", json!({"data": [row(8192)]})).await.ok();
}

#[tokio::test]
async fn without_the_charge_nothing_is_answered() {
    let options = Options { charge_term: Duration::from_secs(2), ..Options::default() };
    let api = Api::with(options).await;
    // Whether it was still in charge then is as may be: from now on it is not.
    api.post("/init", papers_init()).await;
    let lapsed = async |api: &Api| api.balancer.cluster.charge().check().err();
    let lapse = async {
        while lapsed(&api).await.is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(crate::support::DEADLINE, lapse).await.unwrap();
    let stored = api.store.load().await.unwrap();
    let running = api.servers.running();
    let shape = [
        ("GET", "/status", json!(null)),
        ("GET", "/rep", json!(null)),
        ("GET", "/ring", json!(null)),
        ("GET", "/home", json!(null)),
        ("GET", "/readyz", json!(null)),
        ("POST", "/add", json!({"n": 1, "hostnames": ["S9"]})),
        ("PUT", "/servers/Server0", json!({"weight": 2})),
        ("POST", "/rebalance", json!({})),
    ];
    for (method, path, payload) in requests().into_iter().chain(shape) {
        let message = api.call(method, path, &payload).await.refusal(503);
        assert!(message.contains("not in charge"), "{method} {path}: {message}");
    }
    api.get("/healthz").await.ok();
    assert_eq!(api.store.load().await.unwrap(), stored);
    assert_eq!(api.servers.running(), running);
    assert_eq!(api.servers.launches("S9"), 0, "not even to be ended again");
}
