//! Weights and labels: of `/init`, `/add` and `/servers/{name}`.

use ringwright_metadata::MetadataStore;
use ringwright_model::Attributes;
use ringwright_test_plugins::HashBodies;
use serde_json::{Value, json};

use crate::support::{Api, Options, papers_add, papers_init, plugin_folder, set};

const SERVER0: &str = "/servers/Server0";

/// What is told about a server, as it is stored.
async fn stored(api: &Api, server: &str) -> Attributes {
    api.store.load().await.unwrap().server(server).unwrap().attributes.clone()
}

/// What status says of them all.
async fn told(api: &Api) -> (Value, Value) {
    let status = api.status().await;
    (status["weights"].clone(), status["labels"].clone())
}

#[tokio::test]
async fn what_init_and_add_tell_is_kept_and_shown() {
    let api = Api::start().await;
    let init = set(papers_init(), "/weights", json!({"Server1": 0, "Server2": 1000}));
    let init = set(init, "/labels", json!({"Server0": {"zone": "a", "rack": "ü"}, "Server1": {}}));
    api.post("/init", init).await.ok();
    let weights = json!({"Server0": 1, "Server1": 0, "Server2": 1000});
    let labels = json!({"Server0": {"zone": "a", "rack": "ü"}, "Server1": {}, "Server2": {}});
    assert_eq!(told(&api).await, (weights, labels));
    assert_eq!(stored(&api, "Server2").await.weight, 1000);
    assert_eq!(stored(&api, "Server0").await.labels["rack"], "ü");

    let add = set(papers_add(), "/weights", json!({"Server[5]": 5}));
    api.post("/add", set(add, "/labels", json!({"Server4": {"zone": "b"}}))).await.ok();
    let plain = json!({"n": 2, "hostnames": ["S9"], "weights": {"S9": 9}});
    api.post("/add", plain).await.ok();
    let (weights, labels) = told(&api).await;
    assert_eq!((&weights["Server4"], &weights["S9"]), (&json!(1), &json!(9)));
    assert_eq!(labels["Server4"], json!({"zone": "b"}));
    let weights = weights.as_object().unwrap();
    let drawn = weights.iter().find(|(_, weight)| **weight == 5).unwrap().0;
    assert!(drawn.len() == "Server10000".len(), "the template's: {drawn}");
    assert_eq!(weights.len(), 7);
}

#[tokio::test]
async fn what_can_not_be_told_is_refused() {
    let api = Api::start().await;
    let many: Value = (0..17).map(|i| (format!("k{i}"), json!("v"))).collect();
    let long = "é".repeat(65);
    let wrong = [
        ("/weights", json!(2), "'weights'"),
        ("/weights", json!({"Server9": 2}), "field 'weights': server 'Server9'"),
        ("/weights", json!({"Server0": -1}), "'weights.Server0'"),
        ("/weights", json!({"Server0": 1001}), "'weights.Server0' must be a whole number"),
        ("/weights", json!({"Server0": 1.5}), "'weights.Server0'"),
        ("/weights", json!({"Server0": "2"}), "'weights.Server0'"),
        ("/weights", json!({"Server0": null}), "'weights.Server0'"),
        ("/labels", json!([]), "'labels'"),
        ("/labels", json!({"Server9": {}}), "field 'labels': server 'Server9'"),
        ("/labels", json!({"Server0": "a"}), "'labels.Server0'"),
        ("/labels", json!({"Server0": {"zone": 1}}), "'labels.Server0.zone'"),
        ("/labels", json!({"Server0": {"zone": ""}}), "'labels.Server0.zone'"),
        ("/labels", json!({"Server0": {"": "a"}}), "'labels.Server0.'"),
        ("/labels", json!({"Server0": {"zone": long}}), "'labels.Server0.zone'"),
        ("/labels", json!({"Server0": {long.as_str(): "a"}}), "1 to 64 characters"),
        ("/labels", json!({"Server0": many}), "more than 16 labels"),
    ];
    for (field, value, says) in &wrong {
        api.refuses(("POST", "/init"), set(papers_init(), field, value.clone()), 400, says).await;
    }
    api.post("/init", papers_init()).await.ok();
    api.fill().await;
    for (field, value, says) in wrong {
        let add = json!({"n": 1, "servers": {"Server0": ["sh1"]}});
        // It names a server there is; that is found out later.
        api.refuses(("POST", "/add"), set(add, field, value.clone()), 400, says).await;
        let plain = json!({"n": 1, "hostnames": ["Server0"]});
        api.refuses(("POST", "/add"), set(plain, field, value), 400, says).await;
    }
    let old = json!({"n": 1, "hostnames": ["S9"], "weights": {"Server0": 2}});
    api.refuses(("POST", "/add"), old, 400, "server 'Server0' is not one of the request").await;
    for (payload, status, says) in [
        (json!({}), 400, "'weight' or 'labels' is needed"),
        (json!({"weight": null}), 400, "'weight' or 'labels' is needed"),
        (json!({"weight": -1}), 400, "field 'weight' must be"),
        (json!({"weight": 1001, "labels": {}}), 400, "field 'weight' must be"),
        (json!({"weight": 2, "labels": {"zone": 1}}), 400, "'labels.zone'"),
        (json!({"weight": 2, "labels": []}), 400, "'labels'"),
    ] {
        api.refuses(("PUT", SERVER0), payload, status, says).await;
    }
    let unknown = "server 'Server9' is not in the cluster";
    api.refuses(("PUT", "/servers/Server9"), json!({"weight": 2}), 404, unknown).await;
    api.refuses(("PUT", "/servers/%ff"), json!({"weight": 2}), 400, "").await;
}

#[tokio::test]
async fn what_is_told_changes_while_the_server_runs() {
    let api = Api::filled().await;
    let body = api.put(SERVER0, json!({"weight": 3, "labels": {"zone": "a"}})).await.ok();
    let message = json!({"server": "Server0", "weight": 3, "labels": {"zone": "a"}});
    assert_eq!(body, json!({"message": message, "status": "successful"}));
    api.put(SERVER0, json!({"weight": 0})).await.ok();
    assert_eq!(stored(&api, "Server0").await.labels["zone"], "a", "what is not given stays");
    api.put(SERVER0, json!({"labels": {"rack": "r"}})).await.ok();
    let attributes = Attributes { weight: 0, labels: [("rack".into(), "r".into())].into() };
    assert_eq!(stored(&api, "Server0").await, attributes);
    let (weights, labels) = told(&api).await;
    assert_eq!(weights, json!({"Server0": 0, "Server1": 1, "Server2": 1}));
    assert_eq!(labels, json!({"Server0": {"rack": "r"}, "Server1": {}, "Server2": {}}));
    assert_eq!(api.keys().await.len(), 5);
}

/// An `arrange` that gives all to the first server where its weight is above 1, to the last
/// where not, and says that it cannot where it is above 100.
const BY_WEIGHT: &str = "(local $first i32)
    (local.set $first (i32.gt_u (i32.load offset=12 (local.get 0)) (i32.const 1)))
    (if (i32.gt_u (i32.load offset=12 (local.get 0)) (i32.const 100)) (then
        (i32.store8 (i32.const 256) (i32.const 1))
        (i32.store (i32.const 260) (i32.const 1024)) (i32.store (i32.const 264) (i32.const 7))
        (return (i32.const 256))))
    (i32.store8 (i32.const 256) (i32.const 0)) (i32.store (i32.const 260) (i32.const 0))
    (i32.store (i32.const 264) (i32.const 300))
    (i32.store (i32.const 268) (i32.ne (local.get 1) (i32.const 0)))
    (i32.store (i32.const 304)
        (select (i32.const 0) (i32.sub (local.get 1) (i32.const 1)) (local.get $first)))
    (i32.const 256)";

#[tokio::test]
async fn the_next_request_goes_by_the_new_weight() {
    let folder = tempfile::tempdir().unwrap();
    let hash = HashBodies { name: "weighed", arrange: BY_WEIGHT, ..HashBodies::default() };
    std::fs::write(folder.path().join("weighed.wasm"), hash.component()).unwrap();
    let plugins = vec![plugin_folder(), folder.path().to_owned()];
    let api = Api::configured_with(Options { plugins, ..Options::default() }).await;
    api.fill().await;
    api.put("/plugins/active", json!({"hash": "weighed"})).await.ok();
    let home = async || api.get("/home").await.ok()["message"].as_str().unwrap().to_owned();
    let owner = async || {
        let points = api.store.ring().await.unwrap();
        points.into_iter().map(|p| p.server).collect::<Vec<_>>()
    };
    for (weight, server) in [(1, "Server2"), (2, "Server0"), (0, "Server2"), (100, "Server0")] {
        api.put(SERVER0, json!({"weight": weight})).await.ok();
        assert_eq!(home().await, format!("Hello from Server: {server}"), "weight {weight}");
        assert_eq!(owner().await, [server], "it is written down too");
    }
    let says = "field 'weight' or 'labels': hash plugin 'weighed'";
    api.refuses(("PUT", SERVER0), json!({"weight": 101}), 400, says).await;
    assert_eq!(home().await, "Hello from Server: Server0");
    let add = json!({"n": 1, "hostnames": ["x"], "weights": {"x": 101}});
    api.post("/add", add).await.ok(); // it is not the first
    assert_eq!(api.keys().await.len(), 5);
}
