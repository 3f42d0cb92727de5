//! `/add` and `/rep`.

use ringwright_metadata::MetadataStore;
use serde_json::{Value, json};

use crate::support::{Api, Options, papers_add, row, set, without};

const ADD: (&str, &str) = ("POST", "/add");

#[tokio::test]
async fn the_papers_add_is_answered_as_the_paper_says() {
    let api = Api::filled().await;
    let body = api.post("/add", papers_add()).await.ok();
    assert_eq!((&body["N"], &body["status"]), (&json!(5), &json!("successful")));
    let message = body["message"].as_str().unwrap();
    let id = message.strip_prefix("Add Server:4 and Server:").unwrap_or_else(|| panic!("{body}"));
    assert!((10_000..100_000).contains(&id.parse::<u32>().unwrap()), "{body}");
    assert_eq!(body.as_object().unwrap().len(), 3);

    let status = api.status().await;
    let drawn = format!("Server{id}");
    assert_eq!(status["servers"]["Server4"], json!(["sh3", "sh5"]));
    assert_eq!(status["servers"][&drawn], json!(["sh2", "sh5"]));
    let shard = json!({"stud_id_low": 12288, "shard_id": "sh5", "shard_size": 4096, "valid_at": 0});
    assert_eq!(status["shards"][3], shard);
    assert_eq!(api.in_sync("sh5").await.len(), 2);
    api.post("/write", json!({"data": [row(12_288), row(16_383)]})).await.ok();
    assert_eq!(api.keys().await, [10, 2255, 3524, 5000, 10_005, 12_288, 16_383]);
}

#[tokio::test]
async fn a_new_replica_has_a_full_copy_when_add_answers() {
    let api = Api::filled().await;
    let more: Vec<Value> = (4096..7096).map(row).filter(|r| r["Stud_id"] != 5000).collect();
    api.post("/write", json!({"data": more})).await.ok();
    api.delete("/del", json!({"Stud_id": 4100})).await.ok();
    let before = api.rows(4096, 8191).await;
    api.post("/add", json!({"n": 1, "servers": {"fresh": ["sh2"]}})).await.ok();
    assert!(api.in_sync("sh2").await.contains(&"fresh".to_owned()));
    api.leave_only("sh2", "fresh").await;
    assert_eq!(api.rows(4096, 8191).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_and_writes_go_on_while_a_server_copies() {
    let api = Api::filled().await;
    let first: Vec<Value> = (0..4000).map(row).filter(|r| r["Stud_id"] != 10).collect();
    let first = first.into_iter().filter(|r| r["Stud_id"] != 2255 && r["Stud_id"] != 3524);
    api.post("/write", json!({"data": first.collect::<Vec<_>>()})).await.ok();
    let client = (*api).clone();
    let (stop, mut stopped) = tokio::sync::oneshot::channel();
    let load = tokio::spawn(async move {
        let mut id = 8192;
        while stopped.try_recv().is_err() {
            id += 1;
            client.post("/write", json!({"data": [row(id), row(id - 8192 + 4096)]})).await.ok();
            assert_eq!(client.row_values(id, id).await, json!([row(id)]));
            client.put("/update", json!({"Stud_id": 10, "data": row(10)})).await.ok();
        }
        id
    });
    let servers = json!({"a": ["sh1", "sh2"], "b": ["sh3", "sh1"]});
    api.post("/add", json!({"n": 2, "servers": servers})).await.ok();
    stop.send(()).unwrap();
    let last = load.await.unwrap();
    let before = api.keys().await;
    assert_eq!(before.len(), 4000 + 2 + 2 * usize::try_from(last - 8192).unwrap());
    for (shard, server) in [("sh1", "a"), ("sh2", "a"), ("sh3", "b")] {
        assert!(api.in_sync(shard).await.contains(&server.to_owned()));
    }
    for old in ["Server0", "Server1", "Server2"] {
        api.servers.crash(old, false).await;
    }
    assert_eq!(api.keys().await, before, "the new ones hold everything");
}

#[tokio::test]
async fn add_with_counts_that_do_not_match_is_refused() {
    let api = Api::filled().await;
    let more = set(papers_add(), "/n", json!(3));
    let says = "Number of new servers (n) is greater than newly added instances";
    api.refuses(ADD, more.clone(), 400, says).await;
    let refused = api.post("/add", more).await.json();
    assert_eq!(refused["message"], format!("<Error> {says}"));
    let fewer = set(papers_add(), "/n", json!(1));
    let says = "Number of new servers (n) is less than newly added instances";
    api.refuses(ADD, fewer, 400, says).await;
}

#[tokio::test]
async fn add_places_where_told_to() {
    let api = Api::filled().await;
    let payload = set(set(papers_add(), "/n", json!(4)), "/place", json!(true));
    let body = api.post("/add", payload).await.ok();
    assert_eq!(body["N"], 7);
    let status = api.status().await;
    for shard in ["sh1", "sh2", "sh3", "sh5"] {
        assert!(api.in_sync(shard).await.len() >= 3, "{shard}: {status}");
    }
    assert!(status["replicas"].as_array().unwrap().iter().all(|r| r["state"] == "in_sync"));
    api.post("/write", json!({"data": [row(13_000)]})).await.ok();
}

#[tokio::test]
async fn add_names_and_fills_all_where_none_is_named() {
    let api = Api::filled().await;
    let body = api.post("/add", json!({"n": 2, "place": true})).await.ok();
    assert_eq!(body["N"], 5);
    assert!(body["message"].as_str().unwrap().starts_with("Add Server:"), "{body}");
    for shard in ["sh1", "sh2", "sh3"] {
        assert_eq!(api.in_sync(shard).await.len(), 3, "{shard}");
    }
    let shards = json!([{"Stud_id_low": 20_000, "Shard_id": "sh9", "Shard_size": 10}]);
    api.post("/add", json!({"n": 1, "new_shards": shards, "place": true})).await.ok();
    assert_eq!(api.in_sync("sh9").await.len(), 3);
}

#[tokio::test]
async fn new_servers_are_filled_from_those_that_hold_more() {
    let mut options = Options::default();
    options.balancer.replicas = 2; // as many as there are: nothing is lacking
    let api = Api::configured_with(options).await;
    api.fill().await;
    let before = api.rows(0, 20_000).await;
    let shards = json!([{"Stud_id_low": 12288, "Shard_id": "sh5", "Shard_size": 4096}]);
    let servers = json!({"mine": ["sh5"]});
    let payload = json!({"n": 3, "new_shards": shards, "servers": servers, "place": true});
    api.post("/add", payload).await.ok();
    let status = api.status().await;
    let held = status["servers"].as_object().unwrap();
    for (server, shards) in held {
        let count = shards.as_array().unwrap().len();
        assert!((1..=2).contains(&count), "{server} holds {count}: {status}");
    }
    assert!(held["mine"].as_array().unwrap().contains(&json!("sh5")), "as asked for: {status}");
    for shard in ["sh1", "sh2", "sh3", "sh5"] {
        assert_eq!(api.in_sync(shard).await.len(), 2, "no copy more or less: {status}");
        assert_eq!(api.replicas(shard, "out_of_sync").await.len(), 0);
    }
    assert_eq!(api.rows(0, 20_000).await, before);
}

#[tokio::test]
async fn an_add_that_can_not_be_right_is_refused() {
    let api = Api::filled().await;
    let wrong = [
        ("/n", json!("2"), 400, "'n'"),
        ("/n", json!(-2), 400, "'n'"),
        ("/n", json!(0), 400, "(n)"),
        ("/n", json!(1.5), 400, "'n'"),
        ("/servers", json!([]), 400, "'servers'"),
        ("/servers", json!("x"), 400, "'servers'"),
        ("/servers/Server4", json!("sh5"), 400, "'servers.Server4'"),
        ("/servers/Server4", json!([5]), 400, "'servers.Server4'"),
        ("/servers/Server4", json!(["sh9"]), 404, "shard 'sh9' is not defined"),
        ("/servers/Server4", json!(["sh5", "sh5"]), 400, "shard 'sh5' is given twice"),
        ("/new_shards", json!({}), 400, "'new_shards'"),
        ("/new_shards/0", json!(5), 400, "new_shards[0]"),
        ("/new_shards/0/Shard_id", json!("sh1"), 409, "new_shards[0]"),
        ("/new_shards/0/Shard_id", json!("a\0"), 400, "new_shards[0]"),
        ("/new_shards/0/Shard_size", json!(0), 400, "new_shards[0]"),
        ("/new_shards/0/Shard_size", json!("many"), 400, "'Shard_size'"),
        ("/new_shards/0/Stud_id_low", json!(-1), 400, "'Stud_id_low'"),
        ("/new_shards/0/Stud_id_low", json!(12_287), 400, "overlaps that of shard 'sh3'"),
        ("/place", json!("yes"), 400, "'place'"),
        ("/hostnames", json!(["x"]), 400, "'hostnames'"),
    ];
    for (pointer, value, status, says) in wrong {
        api.refuses(ADD, set(papers_add(), pointer, value), status, says).await;
    }
    api.refuses(ADD, without(papers_add(), "n"), 400, "'n' is missing").await;
    let bare = set(papers_add(), "/servers", json!({"A": ["sh1"], "B": []}));
    api.refuses(ADD, bare, 400, "shard 'sh5' is held by no server").await;
    let taken = json!({"n": 1, "servers": {"Server0": ["sh3"]}});
    api.refuses(ADD, taken, 409, "server 'Server0' is in the cluster already").await;
    let odd = json!({"n": 1, "servers": {"../x": ["sh3"]}});
    api.refuses(ADD, odd, 400, "'../x' is no server name").await;
    for n in [1000, 1_000_000_000_000_u64, u64::MAX] {
        api.refuses(ADD, json!({"n": n}), 400, "'n'").await;
        api.refuses(ADD, json!({"n": n, "place": true}), 400, "'n'").await;
        api.refuses(ADD, json!({"n": n, "hostnames": []}), 400, "'n'").await;
    }
    api.refuses(ADD, json!({"n": 54}), 400, "'n'").await; // 57 of 9 virtual nodes on 512 slots
}

#[tokio::test]
async fn an_add_whose_server_does_not_start_changes_nothing() {
    let api = Api::filled().await;
    api.servers.set_broken("Server4", true);
    api.refuses(ADD, papers_add(), 503, "Server4").await;
    api.refuses(ADD, json!({"n": 3, "hostnames": ["Server4"]}), 503, "Server4").await;
    assert!(!api.servers.has_data("Server4"));
    api.servers.set_broken("Server4", false);
    api.post("/add", papers_add()).await.ok();
}

#[tokio::test]
async fn an_add_that_can_not_copy_changes_nothing() {
    let api = Api::filled().await;
    api.leave_only("sh1", "nobody").await; // of sh3 and sh2 a server is left
    for lost in ["Server0", "Server2"] {
        api.balancer.cluster.detach(lost).unwrap();
    }
    let before = api.state().await;
    let servers = json!({"A": ["sh1", "sh5"], "B": ["sh2", "sh5"]});
    let message = api.post("/add", set(papers_add(), "/servers", servers)).await.refusal(503);
    assert!(message.contains("shard 'sh1'"), "{message}");
    let after = api.state().await;
    assert_eq!((after.status, after.stored), (before.status, before.stored));
    assert_eq!(api.servers.running(), ["Server1"]);
}

#[tokio::test]
async fn an_add_whose_copy_fails_takes_everything_back() {
    let mut options = Options::default();
    options.balancer.copy_timeout = std::time::Duration::from_millis(300);
    let api = Api::configured_with(options).await;
    api.fill().await;
    // The balancer does not know yet, so the copy is begun: of sh3 one server is left.
    api.servers.crash("Server0", false).await;
    api.servers.crash("Server2", false).await;
    let stored = api.store.load().await.unwrap();
    let servers = json!({"A": ["sh3", "sh5"], "B": ["sh1", "sh5"]});
    api.post("/add", set(papers_add(), "/servers", servers)).await.refusal(503);
    assert_eq!(api.store.load().await.unwrap(), stored, "no shard, server or replica more");
    assert_eq!(api.servers.running(), ["Server1"]);
    assert!(!api.servers.has_data("A") && !api.servers.has_data("B"));
}

#[tokio::test]
async fn plain_servers_come_and_go() {
    let api = Api::start().await;
    let none = json!({"message": {"N": 0, "replicas": []}, "status": "successful"});
    assert_eq!(api.get("/rep").await.ok(), none);
    let body = api.post("/add", json!({"n": 4, "hostnames": ["S5", "S4"]})).await.ok();
    let replicas = json!(["S4", "S5", "Server3", "Server4"]);
    let four = json!({"message": {"N": 4, "replicas": replicas}, "status": "successful"});
    assert_eq!(body, four);
    assert_eq!(api.get("/rep").await.ok(), four);
    assert_eq!(api.servers.running(), ["S4", "S5", "Server3", "Server4"]);

    let body = api.delete("/rm", json!({"n": 2, "hostnames": ["S5"]})).await.ok();
    assert_eq!((&body["message"]["N"], &body["status"]), (&json!(2), &json!("successful")));
    let left = body["message"]["replicas"].as_array().unwrap();
    assert!(left.len() == 2 && !left.contains(&json!("S5")), "{body}");
    assert_eq!(api.get("/rep").await.ok(), body);

    let body = api.post("/add", json!({"n": 1})).await.ok();
    assert_eq!(body["message"]["N"], 3, "names are optional");
    api.delete("/rm", json!({"n": 3, "hostnames": []})).await.ok();
    assert_eq!(api.get("/rep").await.ok(), none, "nothing is held, so all may go");
}

#[tokio::test]
async fn plain_requests_that_can_not_be_right_are_refused() {
    let api = Api::filled().await;
    for (payload, status, says) in [
        (json!({"n": 1, "hostnames": ["a", "b"]}), 400, "hostname list is more than newly added"),
        (json!({"n": 1, "hostnames": "a"}), 400, "'hostnames'"),
        (json!({"n": 1, "hostnames": {"a": []}}), 400, "'hostnames'"),
        (json!({"n": 2, "hostnames": ["a", "a"]}), 400, "field 'hostnames': server 'a' is given"),
        (json!({"n": 1, "hostnames": ["Server0"]}), 409, "'Server0' is in the cluster already"),
        (json!({"n": 1, "hostnames": [""]}), 400, "field 'hostnames': '' is no server name"),
        (json!({"n": 0, "hostnames": []}), 400, "'n'"),
        (json!({"hostnames": ["a"]}), 400, "'n' is missing"),
    ] {
        api.refuses(ADD, payload, status, says).await;
    }
}

#[tokio::test]
async fn both_parts_share_one_set_of_servers() {
    let api = Api::filled().await;
    let rep = api.get("/rep").await.ok();
    assert_eq!(rep["message"]["replicas"], json!(["Server0", "Server1", "Server2"]));
    api.post("/add", json!({"n": 1, "hostnames": ["plain"]})).await.ok();
    assert_eq!(api.status().await["servers"]["plain"], json!([]));
    let body = api.delete("/rm", json!({"n": 1})).await.ok();
    assert_eq!(body["message"]["servers"], json!(["plain"]), "the one that holds nothing");
    let body = api.delete("/rm", json!({"n": 1, "hostnames": ["Server1"]})).await.ok();
    assert_eq!(body["message"]["replicas"], json!(["Server0", "Server2"]));
    for shard in ["sh1", "sh2", "sh3"] {
        assert_eq!(api.in_sync(shard).await.len(), 2, "{shard}");
    }
}
