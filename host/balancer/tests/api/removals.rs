//! `/rm`.

use std::time::Duration;

use ringwright_metadata::MetadataStore;
use serde_json::json;

use crate::support::{Api, Options, one_copy_each, papers_add, row};

const RM: (&str, &str) = ("DELETE", "/rm");

#[tokio::test]
async fn the_papers_rm_is_answered_as_the_paper_says() {
    let api = Api::filled().await;
    api.post("/add", papers_add()).await.ok();
    let before = api.keys().await;
    let body = api.delete("/rm", json!({"n": 2, "servers": ["Server4"]})).await.ok();
    assert_eq!(body["status"], "successful");
    assert_eq!(body["message"]["N"], 3);
    let removed: Vec<&str> = body["message"]["servers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s.as_str().unwrap())
        .collect();
    assert_eq!((removed.len(), removed[0]), (2, "Server4"), "{body}");
    let status = api.status().await;
    assert_eq!(status["N"], 3);
    for name in removed {
        assert!(status["servers"][name].is_null(), "{name}: {status}");
        assert!(!api.servers.running().contains(&name.to_owned()));
        assert!(!api.servers.has_data(name));
    }
    assert_eq!(api.keys().await, before);
    api.post("/write", json!({"data": [row(13_000)]})).await.ok();
}

#[tokio::test]
async fn copies_move_before_a_server_goes() {
    let api = Api::start().await;
    api.post("/init", one_copy_each()).await.ok();
    api.fill().await;
    let before = api.rows(0, 20_000).await;
    let body = api.delete("/rm", json!({"n": 2, "servers": ["Server0", "Server2"]})).await.ok();
    assert_eq!(body["message"], json!({"N": 1, "servers": ["Server0", "Server2"]}));
    assert_eq!(api.status().await["servers"], json!({"Server1": ["sh1", "sh2", "sh3"]}));
    assert_eq!(api.rows(0, 20_000).await, before);
    let message = api.delete("/rm", json!({"n": 1, "servers": ["Server1"]})).await.refusal(409);
    assert!(message.contains("would be left without a replica"), "{message}");
}

#[tokio::test]
async fn an_rm_that_can_not_be_right_is_refused() {
    let api = Api::filled().await;
    let says = "Length of server list is more than removable instances";
    let two = json!({"n": 1, "servers": ["Server0", "Server1"]});
    api.refuses(RM, two.clone(), 400, says).await;
    assert_eq!(api.delete("/rm", two).await.json()["message"], format!("<Error> {says}"));
    let last = json!({"n": 3, "servers": ["Server0", "Server1", "Server2"]});
    for (payload, status, says) in [
        (json!({}), 400, "'n' is missing"),
        (json!({"servers": ["Server0"]}), 400, "'n' is missing"),
        (json!({"n": 0}), 400, "'n'"),
        (json!({"n": -1}), 400, "'n'"),
        (json!({"n": "1"}), 400, "'n'"),
        (json!({"n": u64::MAX}), 400, "'n'"),
        (json!({"n": 4, "servers": ["Server0"]}), 400, "'n'"),
        (json!({"n": 1, "servers": "Server0"}), 400, "'servers'"),
        (json!({"n": 1, "servers": {"Server0": []}}), 400, "'servers'"),
        (json!({"n": 1, "servers": [0]}), 400, "'servers'"),
        (json!({"n": 1, "servers": ["Server9"]}), 404, "server 'Server9' is not in the cluster"),
        (json!({"n": 1, "hostnames": ["Server9"]}), 404, "field 'hostnames': server 'Server9'"),
        (json!({"n": 2, "servers": ["Server0", "Server0"]}), 400, "'Server0' is given twice"),
        (json!({"n": 1, "hostnames": "Server0"}), 400, "'hostnames'"),
        (json!({"n": 1, "servers": ["Server0"], "hostnames": ["Server1"]}), 400, "'hostnames'"),
        (json!({"n": 1, "hostnames": ["Server0", "Server1"]}), 400, "hostname list is more than"),
        (last, 409, "would be left without a replica"),
        (json!({"n": 3}), 409, "would be left without a replica"),
        (json!({"n": 3, "hostnames": []}), 409, "would be left without a replica"),
    ] {
        api.refuses(RM, payload, status, says).await;
    }
}

#[tokio::test]
async fn a_removed_name_may_come_again_with_nothing_of_before() {
    let api = Api::filled().await;
    api.delete("/rm", json!({"n": 1, "servers": ["Server2"]})).await.ok();
    api.delete("/del", json!({"Stud_id": 10})).await.ok();
    api.post("/add", json!({"n": 1, "servers": {"Server2": ["sh1"]}})).await.ok();
    let before = api.rows(0, 4095).await;
    api.leave_only("sh1", "Server2").await;
    assert_eq!(api.rows(0, 4095).await, before);
}

#[tokio::test]
async fn a_removed_replica_is_not_taken_for_one() {
    let api = Api::filled().await;
    api.delete("/rm", json!({"n": 1, "servers": ["Server0"]})).await.ok();
    let stored = api.store.load().await.unwrap();
    assert!(stored.servers.iter().all(|s| s.name != "Server0"));
    assert!(stored.replicas.iter().all(|r| r.server != "Server0"));
}

#[tokio::test]
async fn an_rm_whose_copy_fails_part_way_changes_nothing() {
    let mut options = Options::default();
    options.balancer.copy_timeout = Duration::from_millis(300);
    let api = Api::with(options).await;
    api.post("/init", one_copy_each()).await.ok();
    api.post("/add", json!({"n": 1, "hostnames": ["spare"]})).await.ok();
    api.fill().await;
    let stored = api.store.load().await.unwrap();
    // sh1 is copied; of sh2 the only source is gone, and the balancer does not know yet.
    api.servers.crash("Server1", false).await;
    let two = json!({"n": 2, "servers": ["Server0", "Server1"]});
    let message = api.delete("/rm", two.clone()).await.refusal(503);
    assert!(message.contains("Server1"), "{message}");
    assert_eq!(api.store.load().await.unwrap(), stored, "no replica more or less");
    assert_eq!(api.servers.running(), ["Server0", "Server2", "spare"]);
    assert_eq!(api.in_sync("sh1").await, ["Server0"]);
    api.bring_up("Server1").await;
    api.delete("/rm", two).await.ok();
    assert_eq!(api.keys().await, [10, 2255, 3524, 5000, 10_005]);
}

#[tokio::test]
async fn an_rm_that_can_not_be_done_now_says_why() {
    let api = Api::start().await;
    api.post("/init", one_copy_each()).await.ok();
    api.fill().await;
    let detach = |name| api.balancer.cluster.detach(name).unwrap();
    let one = |name: &str| json!({"n": 1, "servers": [name]});
    detach("Server0");
    let says = "shard 'sh1' has no replica in sync that answers to be copied from";
    api.refuses_to_change(RM, one("Server0"), 503, says).await;
    // Those that could hold sh2 are there, but away.
    detach("Server2");
    let says = "shard 'sh2' could go to 'Server0', which does not answer";
    api.refuses_to_change(RM, one("Server1"), 503, says).await;
    // And where there are none, that is another thing.
    let all = json!({"n": 3});
    api.bring_up("Server0").await;
    api.bring_up("Server2").await;
    api.refuses(RM, all, 409, "no other server can hold it").await;
    let message = api.delete("/rm", one("Server1")).await.ok();
    assert_eq!(message["message"]["N"], 2);
}

#[tokio::test]
async fn a_replica_that_is_not_in_sync_yet_does_not_count_as_one_that_stays() {
    let api = Api::filled().await;
    api.servers.crash("Server1", false).await;
    api.post("/write", json!({"data": [row(4096), row(8192)]})).await.ok();
    let two = json!({"n": 2, "servers": ["Server0", "Server2"]});
    // It is out of sync for sh2 and sh3, and nobody else is left.
    let message = api.delete("/rm", two).await.refusal(503);
    assert!(message.contains("'Server1'"), "{message}");
}
