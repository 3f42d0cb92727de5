//! `/plugins`, `/plugins/active` and `/ring`.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ringwright_metadata::MetadataStore;
use ringwright_test_plugins::HashBodies;
use serde_json::{Value, json};

use crate::support::platform::{ACTIVE, Platform, called, list, named, plain, to_last};
use crate::support::{Api, Client};

async fn home(client: &Client) -> String {
    client.get("/home").await.ok()["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn plugins_are_listed_with_what_they_say_of_themselves() {
    let Platform { api, .. } = Platform::start().await;
    let body = api.get("/plugins").await.ok();
    assert_eq!(body["message"]["active"], json!({"hash": "virtual-node", "placement": "spread"}));
    let list = list(&api).await;
    let [md5] = called(&list, "md5")[..] else { panic!("{list:?}") };
    assert_eq!((&md5["kind"], &md5["state"]), (&json!("hash"), &json!("loaded")));
    assert_eq!(md5["digest"].as_str().unwrap().len(), 64);
    assert_eq!((&md5["active"], &md5["reason"]), (&json!(false), &Value::Null));
    assert!(md5["reference"].as_str().unwrap().contains("A-4"), "{md5}");
    let traits =
        json!({"weighted": false, "virtual_nodes": true, "tail_only": false, "max_servers": null});
    assert_eq!((&md5["settings"], &md5["traits"]), (&json!([]), &traits));
    let active: Vec<&str> =
        list.iter().filter(|p| p["active"] == true).map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(active, ["spread", "virtual-node"]);
}

#[tokio::test]
async fn a_file_that_is_dropped_in_is_listed_soon_and_can_be_used_at_once() {
    let platform = Platform::start().await;
    platform.drop_in("new.wasm", plain("dropped"));
    platform.drop_in("junk.wasm", "junk");
    let both = |list: &[Value]| called(list, "dropped").len() + called(list, "junk").len() == 2;
    platform.listed("listed", both).await;
    let api = &platform.api;
    let list = list(api).await;
    assert_eq!(called(&list, "junk")[0]["state"], "refused");
    let reason = called(&list, "junk")[0]["reason"].as_str().unwrap();
    assert!(reason.contains("no WebAssembly component"), "{reason}");

    platform.drop_in("newer.wasm", plain("at-once"));
    let answer = api.put(ACTIVE, json!({"hash": "at-once"})).await.ok();
    assert_eq!(answer["message"], json!({"hash": "at-once", "placement": "spread"}));
    let message = api.put(ACTIVE, json!({"hash": "junk"})).await.refusal(400);
    assert!(message.contains("'junk' cannot be used"), "{message}");
    let message = api.put(ACTIVE, json!({"hash": "nobody"})).await.refusal(404);
    assert!(message.contains("'nobody'") && message.contains("md5"), "{message}");
    let message = api.put(ACTIVE, json!({"placement": "md5"})).await.refusal(404);
    assert!(message.contains("spread"), "{message}");
}

#[tokio::test]
async fn an_active_plugin_goes_on_whatever_becomes_of_its_file() {
    let platform = Platform::start().await;
    let api = &platform.api;
    platform.drop_in("p.wasm", to_last());
    api.put(ACTIVE, json!({"hash": "to-last"})).await.ok();
    let last = home(api).await;
    let digest = called(&list(api).await, "to-last")[0]["digest"].clone();

    // Another version in its place: of the same name, but it sends everything to the first.
    platform.drop_in("p.wasm", plain("to-last"));
    let two = |list: &[Value]| called(list, "to-last").len() == 2;
    platform.listed("another", two).await;
    let after = list(api).await;
    let (old, new): (Vec<&Value>, Vec<&Value>) =
        called(&after, "to-last").into_iter().partition(|p| p["digest"] == digest);
    assert_eq!((&old[0]["active"], &old[0]["file"]), (&json!(true), &Value::Null));
    assert!(old[0]["reason"].as_str().unwrap().contains("goes on"), "{old:?}");
    assert_eq!((&new[0]["active"], &new[0]["state"]), (&json!(false), &json!("loaded")));
    assert_eq!(home(api).await, last, "the one that was loaded serves");

    // Chosen again, it is the new one.
    api.put(ACTIVE, json!({"hash": "to-last"})).await.ok();
    assert_ne!(home(api).await, last);
    assert_eq!(called(&list(api).await, "to-last").len(), 1);

    fs::remove_file(platform.file("p.wasm")).unwrap();
    platform.listed("gone", |list| called(list, "to-last")[0]["file"].is_null()).await;
    assert_ne!(home(api).await, last);
    api.put(ACTIVE, json!({"hash": "md5"})).await.ok();
    assert!(called(&list(api).await, "to-last").is_empty());
    api.put(ACTIVE, json!({"hash": "to-last"})).await.refusal(404);
}

#[tokio::test]
async fn a_newcomer_of_the_active_ones_name_is_not_active() {
    let platform = Platform::start().await;
    platform.drop_in("z.wasm", plain("to-last"));
    platform.api.put(ACTIVE, json!({"hash": "to-last"})).await.ok();
    platform.drop_in("a.wasm", to_last());
    platform.listed("both", |list| called(list, "to-last").len() == 2).await;
    let list = list(&platform.api).await;
    let of = |file: &str| {
        let is_it = |p: &&&Value| p["file"].as_str().unwrap().ends_with(file);
        *called(&list, "to-last").iter().find(is_it).unwrap()
    };
    assert_eq!((&of("z.wasm")["active"], &of("z.wasm")["state"]), (&json!(true), &json!("loaded")));
    assert_eq!(
        (&of("a.wasm")["active"], &of("a.wasm")["state"]),
        (&json!(false), &json!("refused"))
    );
}

#[tokio::test]
async fn what_breaks_its_contract_does_not_become_active() {
    let platform = Platform::start().await;
    let api = &platform.api;
    let bad: [(&str, HashBodies); 6] = [
        ("slot-1.wasm", HashBodies { slot: "(loop $l (br $l)) (unreachable)", ..named("slow-01") }),
        ("slot-2.wasm", HashBodies { slot: "(local.get 1)", ..named("liar-01") }),
        ("slot-3.wasm", HashBodies { slot: "(unreachable)", ..named("trap-01") }),
        ("slots.wasm", HashBodies { slots: "(i32.const 600)", ..named("liar-02") }),
        ("arrange.wasm", HashBodies { arrange: "(i32.const 600)", ..named("liar-03") }),
        (
            "layout.wasm",
            HashBodies { arrange: "(loop $l (br $l)) (unreachable)", ..named("slow-02") },
        ),
    ];
    for (file, bodies) in bad {
        platform.drop_in(file, bodies.component());
        let message = api.put(ACTIVE, json!({"hash": bodies.name})).await.refusal(400);
        assert!(message.contains(bodies.name), "{message}");
    }
    // One that does not even start is no plugin.
    let start = HashBodies { start: "(loop $l (br $l))", ..named("start-1") };
    platform.drop_in("start.wasm", start.component());
    let message = api.put(ACTIVE, json!({"hash": "start"})).await.refusal(400);
    assert!(message.contains("took too long"), "{message}");
    assert_eq!(api.status().await["hash"], "virtual-node");
    assert_eq!(api.store.load().await.unwrap().hash_plugin.unwrap().name, "virtual-node");
    assert_eq!(api.keys().await.len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_under_load_loses_nothing_and_serves_the_next_request() {
    let platform = Platform::start().await;
    platform.drop_in("first.wasm", plain("1-first"));
    platform.drop_in("last.wasm", to_last());
    let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..6)
        .map(|i| {
            let client = Client::clone(&platform.api);
            let (stop, served) = (stop.clone(), served.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    if i % 2 == 0 {
                        home(&client).await;
                    } else {
                        let range = json!({"Stud_id": {"low": 0, "high": 20_000}});
                        let rows = client.post("/read", range).await.ok();
                        assert_eq!(rows["data"].as_array().unwrap().len(), 5);
                    }
                    served.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let api = &platform.api;
    let mut seen = BTreeMap::new();
    for name in ["1-first", "to-last", "md5", "quadratic"].into_iter().cycle().take(40) {
        api.put(ACTIVE, json!({"hash": name})).await.ok();
        let next = home(api).await;
        assert_eq!(api.status().await["hash"], name);
        if name == "1-first" || name == "to-last" {
            assert_eq!(*seen.entry(name).or_insert_with(|| next.clone()), next, "{name}");
        }
    }
    assert_ne!(seen["1-first"], seen["to-last"]);
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    assert!(served.load(Ordering::Relaxed) > 100, "{served:?} requests are no load");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_choices_at_once_the_one_that_is_recorded_serves() {
    let platform = Platform::start().await;
    for _ in 0..40 {
        let choices = ["md5", "quadratic", "virtual-node", "md5", "quadratic"].map(|name| {
            let client = Client::clone(&platform.api);
            tokio::spawn(async move { client.put(ACTIVE, json!({"hash": name})).await.ok() })
        });
        for choice in choices {
            choice.await.unwrap();
        }
        let stored = platform.api.store.load().await.unwrap().hash_plugin.unwrap();
        assert_eq!(platform.api.status().await["hash"], stored.name);
    }
}

/// Slots and owners of the stored ring.
async fn stored(api: &Api) -> Vec<(u32, String)> {
    let points = api.store.ring().await.unwrap();
    points.into_iter().map(|p| (p.slot, p.server)).collect()
}

/// The owner of each slot: the first virtual node clockwise.
fn owners(points: &[(u32, String)], slots: u32) -> Vec<&str> {
    let of = |slot: u32| points.iter().find(|(s, _)| *s >= slot).or(points.first()).unwrap();
    (0..slots).map(|slot| of(slot).1.as_str()).collect()
}

#[tokio::test]
async fn the_ring_is_told_and_stored() {
    let platform = Platform::start().await;
    let api = &platform.api;
    let ring = api.get("/ring").await.ok()["message"].take();
    assert_eq!((&ring["hash"], &ring["slots"]), (&json!("virtual-node"), &json!(512)));
    assert_eq!(ring["virtual_nodes"].as_array().unwrap().len(), 27);
    assert_eq!(
        ring["virtual_nodes"][0],
        json!({"slot": 29, "virtual_node": 1, "server": "Server0"})
    );
    assert_eq!(json!(owners(&stored(api).await, 512)), ring["owners"]);
    let owned = ring["slots_owned"].as_object().unwrap().values();
    assert_eq!(owned.map(|n| n.as_u64().unwrap()).sum::<u64>(), 512);
}

#[tokio::test]
async fn a_layout_that_is_no_ring_is_told_and_stored_as_one() {
    // A table that gives slots 0 to 99 to the second server, and the rest to the first.
    let arrange = "(local $slot i32)
        (loop $next
            (i32.store (i32.add (i32.const 40960) (i32.shl (local.get $slot) (i32.const 2)))
                (i32.and (i32.lt_u (local.get $slot) (i32.const 100))
                    (i32.gt_u (local.get 1) (i32.const 1))))
            (local.set $slot (i32.add (local.get $slot) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $slot) (local.get 3))))
        (i32.store (i32.const 260) (i32.const 1))
        (i32.store (i32.const 264) (i32.const 40960))
        (i32.store (i32.const 268) (select (local.get 3) (i32.const 0) (local.get 1)))
        (i32.const 256)";
    let platform = Platform::start().await;
    platform.drop_in("table.wasm", HashBodies { arrange, ..named("a-table") }.component());
    let api = &platform.api;
    api.put(ACTIVE, json!({"hash": "a-table"})).await.ok();
    let ring = api.get("/ring").await.ok()["message"].take();
    let node = |slot: u32, server: &str| json!({"slot": slot, "virtual_node": 1, "server": server});
    assert_eq!(ring["virtual_nodes"], json!([node(99, "Server1"), node(511, "Server0")]));
    assert_eq!(ring["slots_owned"], json!({"Server0": 412, "Server1": 100, "Server2": 0}));
    assert_eq!(json!(owners(&stored(api).await, 512)), ring["owners"]);
}

#[tokio::test]
async fn a_server_without_slots_is_asked_where_the_others_fail() {
    let platform = Platform::start().await;
    let api = &platform.api;
    platform.drop_in("first.wasm", plain("1-first"));
    api.put(ACTIVE, json!({"hash": "1-first"})).await.ok();
    // The first server is preferred for all; nobody told the balancer yet that it is gone.
    api.servers.crash("Server0", false).await;
    for _ in 0..6 {
        assert_eq!(api.keys().await.len(), 5);
        home(api).await;
    }
}

#[tokio::test]
async fn a_plugin_is_itself_under_another_file_name() {
    let platform = Platform::start().await;
    platform.drop_in("m.wasm", plain("to-last"));
    platform.api.put(ACTIVE, json!({"hash": "to-last"})).await.ok();
    fs::rename(platform.file("m.wasm"), platform.file("moved.wasm")).unwrap();
    let moved = |list: &[Value]| {
        let [p] = called(list, "to-last")[..] else { return false };
        p["active"] == true && p["file"].as_str().is_some_and(|f| f.ends_with("moved.wasm"))
    };
    platform.listed("moved", moved).await;
}
