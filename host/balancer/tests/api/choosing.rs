//! What a swap would change, the shadow, uploads, and the way back from a plugin that fails.

use std::time::{Duration, Instant};

use ringwright_balancer::brain::{self, FaultLimit};
use ringwright_metadata::MetadataStore;
use ringwright_plugin_runtime::{Runtime, Settings};
use ringwright_test_plugins::{HashBodies, Hostile, corpus};
use serde_json::{Value, json};

use crate::support::platform::{
    ACTIVE, Platform, called, fails_over_13, list, named, plain, to_last,
};
use crate::support::{Answer, Api, Options};

const SHADOW: &str = "/plugins/shadow";

async fn home(api: &Api, id: u64) -> Answer {
    api.send("GET", "/home", &[("x-request-id", &id.to_string())], "").await
}

async fn upload(api: &Api, bytes: Vec<u8>) -> Answer {
    api.send("POST", "/plugins", &[("content-type", "application/wasm")], bytes).await
}

fn near(value: &Value, expected: f64, by: f64) -> bool {
    (value.as_f64().unwrap() - expected).abs() < by
}

#[tokio::test]
async fn a_dry_run_tells_what_a_swap_would_change_and_changes_nothing() {
    let platform = Platform::start().await;
    let before = platform.state().await;
    let answer = platform.put(ACTIVE, json!({"hash": "md5", "dry_run": true})).await.ok();
    assert_eq!((&answer["dry_run"], &answer["message"]["placement"]), (&json!(true), &Value::Null));
    let bill = &answer["message"]["hash"];
    assert_eq!((&bill["from"], &bill["to"]), (&json!("virtual-node"), &json!("md5")));
    assert_eq!(bill["ids"], 100_000);
    // Of 10,000 requests the one gives 8359, 469, 1172, the other 2344, 2772, 4884.
    let shares = &bill["servers"];
    for (server, was, will) in
        [("Server0", 0.836, 0.234), ("Server1", 0.047, 0.277), ("Server2", 0.117, 0.488)]
    {
        assert!(near(&shares[server]["before"], was, 0.01), "{bill}");
        assert!(near(&shares[server]["after"], will, 0.01), "{bill}");
    }
    assert!(near(&bill["peak_to_mean"]["before"], 3.0 * 0.836, 0.03), "{bill}");
    assert!(near(&bill["peak_to_mean"]["after"], 3.0 * 0.488, 0.03), "{bill}");
    // At least what one loses must move.
    assert!(bill["moved"].as_f64().unwrap() > 0.6, "{bill}");
    assert_eq!(platform.state().await, before);
    let same = platform.put(ACTIVE, json!({"hash": "virtual-node", "dry_run": true})).await.ok();
    assert_eq!(same["message"]["hash"]["moved"], 0.0);
}

#[tokio::test]
async fn a_dry_run_refuses_what_the_swap_would() {
    let platform = Platform::start().await;
    platform.drop_in("junk.wasm", "junk");
    platform.put(ACTIVE, json!({"hash": "nobody", "dry_run": true})).await.refusal(404);
    platform.put(ACTIVE, json!({"hash": "junk", "dry_run": true})).await.refusal(400);
    platform.put(ACTIVE, json!({"dry_run": true})).await.refusal(400);
    platform.put(ACTIVE, json!({"hash": "md5", "dry_run": 1})).await.refusal(400);
}

#[tokio::test]
async fn the_bill_of_a_policy_has_its_moves() {
    let platform = Platform::start().await;
    // A server that holds nothing yet is what a policy moves copies to.
    platform.post("/add", json!({"n": 1, "servers": {"Server9": []}})).await.ok();
    let before = platform.state().await;
    let answer = platform.put(ACTIVE, json!({"placement": "spread", "dry_run": true})).await.ok();
    let bill = &answer["message"]["placement"];
    assert_eq!((&bill["from"], &bill["to"]), (&json!("spread"), &json!("spread")));
    let moves = bill["moves"].as_array().unwrap();
    assert!(!moves.is_empty() && moves.iter().all(|m| m["to"] == "Server9"), "{bill}");
    assert!(moves[0]["shard"].is_string() && moves[0]["from"].is_string(), "{bill}");
    assert!(!moves[0]["reason"].as_str().unwrap().is_empty() && moves[0]["gain"].is_number());
    assert_eq!(platform.state().await, before);
}

#[tokio::test]
async fn a_plugin_that_fails_too_often_gives_way_to_the_last_that_behaved() {
    let platform = Platform::start().await;
    platform.drop_in("p.wasm", fails_over_13());
    platform.drop_in("q.wasm", to_last());
    platform.put(ACTIVE, json!({"hash": "to-last"})).await.ok();
    platform.put(ACTIVE, json!({"hash": "not-13s"})).await.ok();
    for _ in 0..9 {
        home(&platform, 13).await.ok();
    }
    assert_eq!(platform.status().await["hash"], "not-13s");
    let listed = list(&platform).await;
    assert_eq!(called(&listed, "not-13s")[0]["faults"], 9);
    home(&platform, 13).await.ok();
    let fallen_back = async |api: &Api| (api.status().await["hash"] == "to-last").then_some(());
    platform.until("back to the last", fallen_back).await;
    assert_eq!(home(&platform, 13).await.ok()["message"], "Hello from Server: Server2");
    let listed = list(&platform).await;
    let out = called(&listed, "not-13s")[0];
    assert_eq!((&out["state"], &out["active"]), (&json!("out_of_service"), &json!(false)));
    assert!(out["reason"].as_str().unwrap().contains("10 times"), "{out}");
    let told = "ringwright_plugin_faults_total{kind=\"hash\",name=\"not-13s\"}";
    assert_eq!(platform.metrics().await.value(told), Some(10.0), "though it is out of use");
    let stored = platform.store.load().await.unwrap().hash_plugin.unwrap();
    assert_eq!(stored.name, "to-last");

    let message = platform.put(ACTIVE, json!({"hash": "not-13s"})).await.refusal(409);
    assert!(message.contains("out of service") && message.contains("force"), "{message}");
    platform.put(ACTIVE, json!({"hash": "not-13s", "force": true})).await.ok();
    let listed = list(&platform).await;
    assert_eq!(called(&listed, "not-13s")[0]["state"], "loaded");
}

#[tokio::test]
async fn where_none_behaved_before_the_default_takes_over() {
    let platform = Platform::start().await;
    platform.drop_in("p.wasm", fails_over_13());
    platform.put(ACTIVE, json!({"hash": "not-13s"})).await.ok();
    for _ in 0..10 {
        home(&platform, 13).await.ok();
    }
    let back = async |api: &Api| (api.status().await["hash"] == "virtual-node").then_some(());
    platform.until("back to the default", back).await;
}

#[tokio::test]
async fn a_shadow_sees_the_traffic_and_routes_none_of_it() {
    let platform = Platform::start().await;
    platform.get(SHADOW).await.refusal(404);
    platform.put(SHADOW, json!({"hash": "nobody"})).await.refusal(404);
    platform.put(SHADOW, json!({})).await.refusal(400);
    platform.drop_in("p.wasm", to_last());
    platform.drop_in("q.wasm", plain("1-first"));
    platform.put(ACTIVE, json!({"hash": "1-first"})).await.ok();
    let begun = platform.put(SHADOW, json!({"hash": "to-last"})).await.ok();
    assert_eq!(
        (&begun["message"]["hash"], &begun["message"]["requests"]),
        (&json!("to-last"), &json!(0))
    );
    for id in 0..50 {
        let answer = home(&platform, id).await.ok();
        assert_eq!(answer["message"], "Hello from Server: Server0", "the active one routes");
    }
    let seen = async |api: &Api| {
        let told = api.get(SHADOW).await.ok()["message"].take();
        (told["requests"] == 50).then_some(told)
    };
    let told = platform.until("all seen", seen).await;
    assert_eq!(told["moved"], 50);
    assert_eq!(told["servers"]["Server0"], json!({"active": 50, "shadow": 0}));
    assert_eq!(told["servers"]["Server2"], json!({"active": 0, "shadow": 50}));
    assert_eq!(platform.get("/plugins").await.ok()["message"]["shadow"], told);
    let last = platform.delete(SHADOW, json!({})).await.ok();
    assert_eq!(last["message"], told);
    platform.get(SHADOW).await.refusal(404);
}

#[tokio::test]
async fn an_upload_is_admitted_listed_and_can_be_used() {
    let platform = Platform::start().await;
    let answer = upload(&platform, to_last()).await.ok()["message"].take();
    assert_eq!((&answer["name"], &answer["state"]), (&json!("to-last"), &json!("loaded")));
    assert_eq!((&answer["active"], &answer["kind"]), (&json!(false), &json!("hash")));
    assert_eq!(platform.files(), ["to-last.wasm"]);
    platform.put(ACTIVE, json!({"hash": "to-last"})).await.ok();
    upload(&platform, to_last()).await.ok();
    assert_eq!(platform.files(), ["to-last.wasm"], "the same again is the same");
}

#[tokio::test]
async fn what_is_not_admitted_is_not_kept() {
    let balancer =
        ringwright_balancer::Settings { upload_limit: 200_000, ..Options::default().balancer };
    let platform = Platform::with(Options { balancer, ..Options::default() }).await;
    let message = upload(&platform, b"junk".to_vec()).await.refusal(400);
    assert!(message.contains("no WebAssembly component"), "{message}");
    upload(&platform, Vec::new()).await.refusal(400);
    let liar = ringwright_test_plugins::HashBodies {
        slot: "(local.get 1)",
        ..crate::support::platform::named("liar-01")
    };
    let message = upload(&platform, liar.component()).await.refusal(400);
    assert!(message.contains("slot"), "{message}");
    upload(&platform, vec![0; 200_001]).await.refusal(413);
    let message = upload(&platform, ringwright_test_plugins::built("md5")).await.refusal(409);
    assert!(message.contains("'md5' is there already"), "{message}");
    assert_eq!(platform.files(), [""; 0]);
}

#[tokio::test]
async fn settings_are_checked_by_name() {
    let platform = Platform::start().await;
    let refused = async |hash: Value, says: &str| {
        let message = platform.put(ACTIVE, json!({"hash": hash})).await.refusal(400);
        assert!(message.contains(says), "{message}");
    };
    refused(json!({"name": "md5", "settings": {"speed": 9}}), "speed").await;
    refused(json!({"name": "md5", "settings": {"speed": []}}), "settings.speed").await;
    refused(json!({"name": "md5", "settings": 9}), "settings").await;
    refused(json!({"settings": {}}), "'name' is missing").await;
    refused(json!(9), "name").await;
    platform.put(ACTIVE, json!({"hash": {"name": "md5", "settings": {}}})).await.ok();
    assert_eq!(platform.status().await["hash"], "md5");
}

#[tokio::test]
async fn a_policy_that_fails_costs_no_request_and_gives_way() {
    let faults = FaultLimit { faults: 3, ..FaultLimit::default() };
    let brain = brain::Settings { faults, ..Options::default().brain };
    let platform = Platform::with(Options { brain, ..Options::default() }).await;
    let is_it = |h: &Hostile| h.name == "traps-on-weight-999";
    platform.drop_in("policy.wasm", corpus().into_iter().find(is_it).unwrap().bytes);
    platform.put(ACTIVE, json!({"placement": "traps-on-weight-999"})).await.ok();
    for server in ["Server0", "Server1", "Server2"] {
        platform.put(&format!("/servers/{server}"), json!({"weight": 999})).await.ok();
    }
    // Each of these asks for a plan; the last before it that behaved makes one.
    for n in 3..6 {
        let weights = json!({format!("new{n}"): 999});
        let add = json!({"n": 1, "servers": {format!("new{n}"): []}, "place": true,
            "weights": weights});
        platform.post("/add", add).await.ok();
    }
    let back = async |api: &Api| (api.status().await["placement"] == "spread").then_some(());
    platform.until("back to the last that behaved", back).await;
    let listed = list(&platform).await;
    assert_eq!(called(&listed, "traps-on-weight-999")[0]["state"], "out_of_service");
    let stored = platform.store.load().await.unwrap().placement_plugin.unwrap();
    assert_eq!(stored.name, "spread");
    assert_eq!(platform.keys().await.len(), 5);
}

#[tokio::test]
async fn of_many_uploads_two_are_tried_at_once_and_the_others_wait() {
    let deadline = Duration::from_secs(1);
    let settings = Settings { work_deadline: deadline, ..Settings::default() };
    let runtime = Runtime::new(settings).unwrap();
    let platform = Platform::with(Options { runtime, ..Options::default() }).await;
    // Each keeps a processor for as long as it may.
    let slow = HashBodies { start: "(loop $l (br $l))", ..named("start-1") }.component();
    let began = Instant::now();
    let uploads = (0..4).map(|_| upload(&platform, slow.clone()));
    for answer in futures::future::join_all(uploads).await {
        assert!(answer.refusal(400).contains("took too long"), "{answer:?}");
    }
    assert!(began.elapsed() >= 2 * deadline, "all in {:?}", began.elapsed());
}
