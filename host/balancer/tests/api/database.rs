//! `/init` and `/status`.

use ringwright_metadata::MetadataStore;
use ringwright_model::Choice;
use serde_json::{Value, json};

use crate::support::{Api, papers_init, row, set, without};

const INIT: (&str, &str) = ("POST", "/init");

#[tokio::test]
async fn the_papers_init_is_answered_as_the_paper_says() {
    let api = Api::start().await;
    let body = api.post("/init", papers_init()).await.ok();
    assert_eq!(body, json!({"message": "Configured Database", "status": "success"}));
    assert_eq!(api.servers.running(), ["Server0", "Server1", "Server2"]);
}

#[tokio::test]
async fn status_tells_what_was_configured() {
    let api = Api::filled().await;
    let body = api.get("/status").await.ok();
    assert_eq!(body["status"], "successful");
    let message = &body["message"];
    assert_eq!(message["N"], 3);
    assert_eq!(message["schema"], papers_init()["schema"]);
    assert_eq!(message["servers"], papers_init()["servers"]);
    let shards = json!([
        {"stud_id_low": 0, "shard_id": "sh1", "shard_size": 4096, "valid_at": 1},
        {"stud_id_low": 4096, "shard_id": "sh2", "shard_size": 4096, "valid_at": 1},
        {"stud_id_low": 8192, "shard_id": "sh3", "shard_size": 4096, "valid_at": 1},
    ]);
    assert_eq!(message["shards"], shards);
    let states = json!({"Server0": "live", "Server1": "live", "Server2": "live"});
    assert_eq!(message["server_states"], states);
    let replicas = message["replicas"].as_array().unwrap();
    assert_eq!(replicas.len(), 6);
    assert!(replicas.iter().all(|r| r["state"] == "in_sync"), "{replicas:?}");
}

#[tokio::test]
async fn status_before_init_has_no_schema() {
    let api = Api::start().await;
    let message = api.status().await;
    assert_eq!((&message["N"], &message["schema"]), (&json!(0), &Value::Null));
    assert_eq!((&message["shards"], &message["servers"]), (&json!([]), &json!({})));
}

#[tokio::test]
async fn field_names_are_matched_without_regard_to_case() {
    let api = Api::start().await;
    let payload = json!({
        "n": 1,
        "SCHEMA": {"Columns": ["Stud_id", "Name"], "DTYPES": ["Number", "String"]},
        "Shards": [{"STUD_ID_LOW": "0", "shard_ID": "sh1", "shard_size": 10}],
        "SERVERS": {"Server0": ["sh1"]},
    });
    api.post("/init", payload).await.ok();
    let shards = api.status().await["shards"].take();
    let expected = json!([{"stud_id_low": 0, "shard_id": "sh1", "shard_size": 10, "valid_at": 0}]);
    assert_eq!(shards, expected);
}

#[tokio::test]
async fn init_is_done_once() {
    let api = Api::filled().await;
    api.refuses(INIT, papers_init(), 409, "configured already").await;
    let other = set(papers_init(), "/servers", json!({"A": ["sh1", "sh2", "sh3"]}));
    api.refuses(INIT, set(other, "/N", json!(1)), 409, "configured already").await;
}

#[tokio::test]
async fn two_inits_at_once_configure_one() {
    let api = Api::start().await;
    let others = set(papers_init(), "/servers", json!({"A": ["sh1", "sh2", "sh3"]}));
    let others = set(others, "/N", json!(1));
    let answers = tokio::join!(api.post("/init", papers_init()), api.post("/init", others.clone()));
    let mut statuses = [answers.0.status, answers.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}

#[tokio::test]
async fn init_without_servers_places_them() {
    let api = Api::start().await;
    let payload = set(without(papers_init(), "servers"), "/N", json!(4));
    api.post("/init", payload).await.ok();
    let status = api.status().await;
    assert_eq!(status["N"], 4);
    for shard in ["sh1", "sh2", "sh3"] {
        assert_eq!(api.in_sync(shard).await.len(), 3, "three copies where nobody says: {status}");
    }
    assert_eq!(api.servers.running().len(), 4);
    api.fill().await;
    assert_eq!(api.keys().await, [10, 2255, 3524, 5000, 10_005]);
}

#[tokio::test]
async fn replicas_says_how_many_copies_are_placed() {
    for (replicas, copies) in [(1, 1), (2, 2), (3, 2), (4_000_000_000_u32, 2)] {
        let api = Api::start().await;
        let payload = set(without(papers_init(), "servers"), "/N", json!(2));
        api.post("/init", set(payload, "/replicas", json!(replicas))).await.ok();
        for shard in ["sh1", "sh2", "sh3"] {
            assert_eq!(api.in_sync(shard).await.len(), copies, "replicas {replicas}");
        }
    }
}

#[tokio::test]
async fn servers_beyond_those_named_are_named_and_filled() {
    let api = Api::start().await;
    let payload = set(papers_init(), "/servers", json!({"mine": ["sh1", "sh2"]}));
    api.post("/init", set(payload, "/replicas", json!(2))).await.ok();
    let status = api.status().await;
    let servers = status["servers"].as_object().unwrap();
    assert_eq!(servers.len(), 3);
    let mine: Vec<&str> =
        servers["mine"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
    assert!(mine.contains(&"sh1") && mine.contains(&"sh2"), "what was asked for: {status}");
    for shard in ["sh1", "sh2", "sh3"] {
        assert_eq!(api.in_sync(shard).await.len(), 2, "{status}");
    }
}

#[tokio::test]
async fn n_may_be_left_out_where_servers_are_named() {
    let api = Api::start().await;
    api.post("/init", without(papers_init(), "N")).await.ok();
    assert_eq!(api.status().await["N"], 3);
}

#[tokio::test]
async fn a_server_template_gets_a_random_id() {
    let api = Api::start().await;
    let servers = json!({"Server[0]": ["sh1", "sh2", "sh3"]});
    let payload = set(set(papers_init(), "/servers", servers), "/N", json!(1));
    api.post("/init", payload).await.ok();
    let name = api.servers.running().concat();
    let id: u32 = name.strip_prefix("Server").unwrap().parse().unwrap();
    assert!((10_000..100_000).contains(&id), "{name}");
}

#[tokio::test]
async fn unusual_schemas_work() {
    let api = Api::start().await;
    let schema = json!({
        "columns": ["Isbn", "Titel \"ü\"", "pages", "price", "in print", "note"],
        "dtypes": ["Integer", "String", "Integer", "Float", "Boolean", "String"],
    });
    let payload = json!({"N": 1, "schema": schema, "servers": {"b": ["s"]},
        "shards": [{"isbn_low": 100, "shard_id": "s", "shard_size": 100}]});
    api.post("/init", payload).await.ok();
    let sent = json!({"ISBN": "150", "titel \"ü\"": "Ω\n\"q\"", "PAGES": -3, "price": 1.50,
        "In Print": true, "Note": "😀"});
    let added = api.post("/write", json!({"data": [sent]})).await.ok();
    assert_eq!(added["message"], "1 Data entries added");
    let expected = json!([{"Isbn": 150, "Titel \"ü\"": "Ω\n\"q\"", "pages": -3, "price": 1.5,
        "in print": true, "note": "😀"}]);
    let rows: Value = serde_json::from_str(&api.rows(0, 1000).await).unwrap();
    assert_eq!(rows, expected);
    let changed = set(expected[0].clone(), "/pages", json!(4));
    let message = api.put("/update", json!({"isbn": 150, "data": changed})).await.ok();
    assert_eq!(message["message"], "Data entry for Isbn: 150 updated");
    let message = api.delete("/del", json!({"ISBN": "150"})).await.ok();
    assert_eq!(message["message"], "Data entry with Isbn:150 removed from all replicas");
    assert_eq!(api.status().await["shards"][0]["isbn_low"], 100);
}

#[tokio::test]
async fn a_key_and_one_column_are_enough_and_so_is_a_key() {
    for columns in [json!(["k", "v"]), json!(["k"])] {
        let api = Api::start().await;
        let two = columns.as_array().unwrap().len() == 2;
        let dtypes = if two { json!(["Number", "Number"]) } else { json!(["Number"]) };
        let payload = json!({"N": 1, "schema": {"columns": columns, "dtypes": dtypes},
            "servers": {"b": ["s"]}, "shards": [{"k_low": 0, "shard_id": "s", "shard_size": 9}]});
        api.post("/init", payload).await.ok();
        let row = if two { json!({"k": 1, "v": 2.5}) } else { json!({"k": 1}) };
        api.post("/write", json!({"data": [row]})).await.ok();
        assert_eq!(api.row_values(0, 9).await, json!([row]));
    }
}

#[tokio::test]
async fn modulo_sharding_deals_keys_by_their_remainder() {
    let api = Api::start().await;
    let payload = set(papers_init(), "/sharding", json!("modulo"));
    let ids = json!([{"Shard_id": "a"}, {"Shard_id": "b"}, {"Shard_id": "c"}]);
    let payload = set(payload, "/shards", ids);
    let payload =
        set(payload, "/servers", json!({"S1": ["a", "b", "c"], "S2": ["a"], "S3": ["b"]}));
    api.post("/init", payload).await.ok();
    let shards = api.status().await["shards"].take();
    assert_eq!(shards[0], json!({"shard_id": "a", "valid_at": 0}), "no ranges");

    let rows: Vec<Value> = [0, 1, 2, 7, u64::try_from(i64::MAX).unwrap()].map(row).into();
    api.post("/write", json!({"data": rows})).await.ok();
    let one = api.post("/read", json!({"Stud_id": {"low": 7, "high": 7}})).await.ok();
    assert_eq!(one["shards_queried"], json!(["b"]), "7 mod 3 is 1");
    let all = api.post("/read", json!({"Stud_id": {"low": 0, "high": 100}})).await.ok();
    assert_eq!(all["shards_queried"], json!(["a", "b", "c"]));
    let keys: Vec<u64> =
        all["data"].as_array().unwrap().iter().map(|r| r["Stud_id"].as_u64().unwrap()).collect();
    assert_eq!(keys, [0, 1, 2, 7], "in key order over the shards");

    let more = json!({"n": 1, "new_shards": [{"Shard_id": "d"}], "servers": {"S4": ["d"]}});
    api.refuses(("POST", "/add"), more, 400, "'new_shards'").await;
    api.post("/add", json!({"n": 1, "servers": {"S4": ["c"]}})).await.ok();
}

#[tokio::test]
async fn a_missing_field_is_named() {
    let api = Api::start().await;
    for field in ["schema", "shards"] {
        api.refuses(INIT, without(papers_init(), field), 400, &format!("'{field}' is missing"))
            .await;
    }
    api.refuses(INIT, without(without(papers_init(), "N"), "servers"), 400, "'N'").await;
    let schema = papers_init()["schema"].clone();
    for field in ["columns", "dtypes"] {
        let payload = set(papers_init(), "/schema", without(schema.clone(), field));
        api.refuses(INIT, payload, 400, &format!("'{field}' is missing")).await;
    }
    for field in ["Stud_id_low", "Shard_id", "Shard_size"] {
        let mut payload = papers_init();
        payload["shards"][1].as_object_mut().unwrap().remove(field);
        api.refuses(INIT, payload, 400, field).await;
    }
}

#[tokio::test]
async fn a_field_of_the_wrong_type_is_named() {
    let api = Api::start().await;
    let wrong = [
        ("/N", json!("3"), "'N'"),
        ("/N", json!(-3), "'N'"),
        ("/N", json!(2.5), "'N'"),
        ("/N", json!(0), "'N'"),
        ("/N", json!(2), "'N'"),
        ("/N", json!(18_446_744_073_709_551_615_u64), "'N'"),
        ("/N", json!(1_000_000), "'N'"),
        ("/schema", json!([]), "'schema'"),
        ("/schema/columns", json!("Stud_id"), "'columns'"),
        ("/schema/columns", json!([]), "columns"),
        ("/schema/columns", json!(["Stud_id", 7, "x"]), "'columns'"),
        ("/schema/columns", json!(["Stud_id", "", "x"]), "columns[1]"),
        ("/schema/columns", json!(["Stud_id", "x", "X"]), "'X' twice"),
        ("/schema/columns", json!(["Stud_id", "x"]), "dtypes"),
        ("/schema/dtypes", json!(["Number", "String", "Blob"]), "'dtypes'"),
        ("/schema/dtypes", json!(["String", "String", "String"]), "dtypes[0]"),
        ("/schema/dtypes", json!(["Float", "String", "String"]), "dtypes[0]"),
        ("/schema/dtypes", json!("Number"), "'dtypes'"),
        ("/shards", json!({}), "'shards'"),
        ("/shards", json!([]), "'shards'"),
        ("/shards/0", json!("sh1"), "shards[0]"),
        ("/shards/0/Stud_id_low", json!(-1), "'Stud_id_low'"),
        ("/shards/0/Stud_id_low", json!(0.5), "'Stud_id_low'"),
        ("/shards/0/Stud_id_low", json!(9_223_372_036_854_775_808_u64), "'Stud_id_low'"),
        ("/shards/0/Shard_size", json!(0), "'Shard_size'"),
        ("/shards/0/Shard_size", json!(-5), "'Shard_size'"),
        ("/shards/0/Shard_size", json!("x"), "'Shard_size'"),
        ("/shards/2/Shard_size", json!(u64::MAX), "'Shard_size'"),
        ("/shards/0/Shard_id", json!(""), "'Shard_id'"),
        ("/shards/0/Shard_id", json!(5), "'Shard_id'"),
        ("/shards/0/Shard_id", json!("x".repeat(1000)), "'Shard_id'"),
        ("/shards/1/Shard_id", json!("sh1"), "'Shard_id' is given twice"),
        ("/servers", json!([]), "'servers'"),
        ("/servers/Server0", json!("sh1"), "'servers.Server0'"),
        ("/servers/Server0", Value::Null, "'servers.Server0'"),
        ("/servers/Server0", json!([1]), "'servers.Server0'"),
        ("/servers/Server0", json!(["sh1", "sh1"]), "'sh1' is given twice"),
        ("/replicas", json!(0), "'replicas'"),
        ("/replicas", json!(-1), "'replicas'"),
        ("/replicas", json!("3"), "'replicas'"),
        ("/sharding", json!("hash"), "'sharding'"),
        ("/sharding", json!(5), "'sharding'"),
    ];
    for (pointer, value, says) in wrong {
        api.refuses(INIT, set(papers_init(), pointer, value), 400, says).await;
    }
    assert!(api.servers.running().is_empty());
}

#[tokio::test]
async fn ranges_may_not_overlap() {
    let api = Api::start().await;
    for low in [0, 1, 4095, 4097, 8191] {
        let payload = set(papers_init(), "/shards/1/Stud_id_low", json!(low));
        api.refuses(INIT, payload, 400, "overlaps").await;
    }
}

#[tokio::test]
async fn every_shard_needs_a_server_and_every_holding_a_shard() {
    let api = Api::start().await;
    let payload = set(papers_init(), "/servers/Server0", json!(["sh1", "sh9"]));
    api.refuses(INIT, payload, 400, "shard 'sh9' is not defined").await;
    let payload = set(papers_init(), "/servers/Server1", json!(["sh2"]));
    let payload = set(payload, "/servers/Server2", json!(["sh1"]));
    api.refuses(INIT, payload, 400, "shard 'sh3' is held by no server").await;
}

#[tokio::test]
async fn a_name_no_server_can_have_is_refused() {
    let api = Api::start().await;
    for name in ["", "../x", "a b", "ü", "-x", "a/b", &"x".repeat(65)] {
        let servers = json!({name: ["sh1", "sh2", "sh3"]});
        let payload = set(set(papers_init(), "/servers", servers), "/N", json!(1));
        api.refuses(INIT, payload, 400, "'servers'").await;
    }
}

#[tokio::test]
async fn init_whose_servers_do_not_start_changes_nothing() {
    let api = Api::start().await;
    api.servers.set_broken("Server1", true);
    api.refuses(INIT, papers_init(), 503, "Server1").await;
    for name in ["Server0", "Server1", "Server2"] {
        assert!(!api.servers.has_data(name), "{name} left something behind");
    }
    api.servers.set_broken("Server1", false);
    api.post("/init", papers_init()).await.ok();
    api.fill().await;
}

#[tokio::test]
async fn what_is_configured_is_on_disk() {
    let api = Api::filled().await;
    let stored = api.store.load().await.unwrap();
    assert_eq!(json!(stored.schema.unwrap()), papers_init()["schema"]);
    assert_eq!(stored.shards.iter().map(|s| s.valid_at).collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!(stored.servers.len(), 3);
    assert_eq!(stored.replicas.len(), 6);
    let hash = api.balancer.brain.hash().plugin.digest().to_owned();
    assert_eq!(stored.hash_plugin, Some(Choice::new("virtual-node", &hash)));
    assert_eq!(stored.placement_plugin.unwrap().name, "spread");
}

#[tokio::test]
async fn nothing_can_be_read_or_written_before_init() {
    let api = Api::start().await;
    let requests = [
        ("POST", "/read", json!({"Stud_id": {"low": 0, "high": 9}})),
        ("POST", "/write", json!({"data": [row(1)]})),
        ("PUT", "/update", json!({"Stud_id": 1, "data": row(1)})),
        ("DELETE", "/del", json!({"Stud_id": 1})),
    ];
    for (method, path, payload) in requests {
        api.refuses((method, path), payload, 400, "not configured").await;
    }
    let shards = json!([{"Stud_id_low": 0, "Shard_id": "x", "Shard_size": 5}]);
    let add = json!({"n": 1, "new_shards": shards, "servers": {"A": ["x"]}});
    api.refuses(("POST", "/add"), add, 400, "not configured").await;
}
