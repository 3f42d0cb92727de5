//! Every plugin that means harm, dropped into a balancer under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ringwright_balancer::brain::{self, FaultLimit};
use ringwright_plugin_runtime::{Runtime, Settings};
use ringwright_test_plugins::{Fate, Hostile, corpus};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::platform::{ACTIVE, Platform, list};
use crate::support::{Api, Client, Options};

/// Clients that ask all the time, and bear no failure.
struct Load {
    stop: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    fn begin(api: &Api) -> Self {
        let (stop, served) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let clients = (0..4).map(|i| {
            let (client, stop, served) = (Client::clone(api), stop.clone(), served.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    ask(&client, i).await;
                    served.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        Load { clients: clients.collect(), stop, served }
    }

    async fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.unwrap();
        }
        self.served.load(Ordering::Relaxed)
    }
}

async fn ask(client: &Client, i: usize) {
    if i.is_multiple_of(2) {
        client.get("/home").await.ok();
    } else {
        let rows = client.post("/read", json!({"Stud_id": {"low": 0, "high": 20_000}})).await.ok();
        assert_eq!(rows["data"].as_array().unwrap().len(), 5);
    }
}

/// Limits as they are in use, but for machines that do much else.
fn options() -> Options {
    let slot_deadline = Duration::from_millis(100);
    let runtime = Runtime::new(Settings { slot_deadline, ..Settings::default() }).unwrap();
    let brain = Options::default().brain;
    let faults = FaultLimit { faults: 2, within: Duration::from_secs(600) };
    Options { runtime, brain: brain::Settings { faults, ..brain }, ..Options::default() }
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

fn listed<'a>(list: &'a [Value], hostile: &Hostile) -> Option<&'a Value> {
    list.iter().find(|p| {
        let file = p["file"].as_str().unwrap_or_default();
        file.ends_with(&format!("/{}.wasm", hostile.name))
    })
}

fn state<'a>(list: &'a [Value], hostile: &Hostile) -> &'a str {
    listed(list, hostile).map_or("missing", |p| p["state"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_whatever_plugins_do_and_memory_comes_back() {
    let platform = Platform::with(options()).await;
    let load = Load::begin(&platform);
    let before = resident_mib();
    let corpus = corpus();
    for hostile in &corpus {
        platform.drop_in(&format!("{}.wasm", hostile.name), &hostile.bytes);
    }
    let looked_at =
        |list: &[Value]| corpus.iter().all(|h| !["missing", "checking"].contains(&state(list, h)));
    while !looked_at(&list(&platform).await) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let told = list(&platform).await;
    for hostile in &corpus {
        let expected = match hostile.fate {
            Fate::RefusedAtLoad | Fate::RefusedByAdmission => "refused",
            Fate::WorksThenBreaks | Fate::Admitted => "loaded",
        };
        assert_eq!(state(&told, hostile), expected, "{}", hostile.name);
        match hostile.fate {
            Fate::RefusedAtLoad | Fate::RefusedByAdmission => {
                let answer = platform.put(ACTIVE, json!({"hash": hostile.name})).await;
                assert!([400, 404].contains(&answer.status), "{}: {answer:?}", hostile.name);
            }
            Fate::WorksThenBreaks => breaks_and_gives_way(&platform, hostile).await,
            Fate::Admitted => {
                let plugin = listed(&told, hostile).unwrap();
                let kind = plugin["kind"].as_str().unwrap();
                platform.put(ACTIVE, json!({kind: plugin["name"]})).await.ok();
            }
        }
    }
    platform.put(ACTIVE, json!({"hash": "md5", "placement": "spread"})).await.ok();
    for hostile in &corpus {
        std::fs::remove_file(platform.file(&format!("{}.wasm", hostile.name))).unwrap();
    }
    let gone = |list: &[Value]| corpus.iter().all(|h| state(list, h) == "missing");
    platform.listed("all gone", gone).await;
    let served = load.end().await;
    assert!(served > 100, "{served} requests are no load");
    let after = resident_mib();
    assert!(after < before + 128, "from {before} MiB to {after} MiB");
}

/// Asks until it was taken out of service.
async fn breaks_and_gives_way(platform: &Platform, hostile: &Hostile) {
    platform.put(ACTIVE, json!({"hash": "virtual-node"})).await.ok();
    platform.put(ACTIVE, json!({"hash": hostile.name})).await.ok();
    let (router, live) = (platform.balancer.router.clone(), platform.balancer.live());
    let active = platform.balancer.brain.hash();
    let out = || platform.balancer.brain.out_of_service(&active.choice.digest).is_some();
    // By the router itself: over the network it would take minutes.
    for request in 0..200_000 {
        if out() {
            break;
        }
        assert_eq!(router.order(request, &live).len(), 3);
    }
    assert!(out(), "{}", hostile.name);
    let back = async |api: &Api| (api.status().await["hash"] == "virtual-node").then_some(());
    platform.until("back to the last that behaved", back).await;
}
