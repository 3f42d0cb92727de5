//! A thousand servers, which no test starts: a stand-in tells of them.

use std::convert::Infallible;

use axum::Router;
use axum::response::sse::{Event, Sse};
use axum::routing::get;
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};

use crate::browser::{LAPTOP, Page};

const SERVERS: usize = 1000;
const SHARDS: usize = 1000;
const NODES: usize = 9;
const SLOTS: usize = 65_536;

fn snapshot() -> Value {
    let server = |i: usize| {
        json!({"id": i + 1, "name": format!("Server{i}"), "weight": 1,
        "state": if i == 500 { "dead" } else { "live" }, "labels": {"zone": format!("z{}", i % 3)},
        "requests": i * 10})
    };
    let shard = |i: usize| {
        let holders = [i, (i + 1) % SERVERS, (i + 2) % SERVERS].map(|server| (server, true));
        let state = if (498..=500).contains(&i) { "under-replicated" } else { "whole" };
        json!({"id": format!("sh{i}"), "low": i * 100, "high": i * 100 + 99, "vat": i,
            "state": state, "replicas": holders})
    };
    json!({"time_ms": 1_000_000, "version": "0", "demo": false,
        "in_charge": true, "epoch": 1, "configured": true, "columns": [["Stud_id", "Number"]],
        "hash": "md5", "placement": "spread", "plugins": [], "shadow": null, "traffic": null,
        "servers": (0..SERVERS).map(server).collect::<Vec<_>>(),
        "shards": (0..SHARDS).map(shard).collect::<Vec<_>>()})
}

fn ring() -> Value {
    let nodes = SERVERS * NODES;
    let slot = |node: usize| (node + 1) * SLOTS / nodes - 1;
    let names: Vec<String> = (0..SERVERS).map(|i| format!("Server{i}")).collect();
    json!({"hash": "md5", "slots": SLOTS, "sampled": null, "virtual_nodes": nodes, "servers": names,
        "owned": vec![SLOTS / SERVERS; SERVERS],
        "arcs": (0..nodes).map(|node| (slot(node), node % SERVERS)).collect::<Vec<_>>(),
        "points": (0..nodes).map(|n| (slot(n), n % SERVERS, n / SERVERS + 1)).collect::<Vec<_>>()})
}

/// What the dashboard is told, by a balancer that is none.
async fn stand_in() -> String {
    let told = async || {
        let event = |name: &str, data: Value| Event::default().event(name).data(data.to_string());
        let first = [
            event("hello", json!({"kinds": []})),
            event("history", json!([])),
            event("ring", ring()),
            event("snapshot", snapshot()),
        ];
        Sse::new(stream::iter(first).chain(stream::pending()).map(Ok::<_, Infallible>))
    };
    let router = ringwright_dashboard::router().route("/dashboard/live", get(told));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router: Router = router;
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_servers_are_drawn() {
    let page = Page::open(&stand_in().await, LAPTOP).await;
    page.says("#tiles", "1,000").await;
    page.says("#headline", "3 shards under-replicated").await;
    page.says("#servers tbody tr:nth-child(2)", "Server500").await; // what is dead comes first
    page.says("#ring [data-note]", "9,000 virtual nodes").await;
    let owners: usize = page.eval("return document.querySelectorAll('#ring svg g').length").await;
    assert_eq!(owners, SERVERS);
    let rows: usize = page.eval("return document.querySelectorAll('tbody tr').length").await;
    assert!(rows < 300, "{rows} rows are in the page");
    page.until("document.querySelector('#servers table').ariaRowCount === '1001'").await;

    // Whoever scrolls gets to all of them.
    page.run("const s = document.querySelector('#servers .scroll'); s.scrollTop = s.scrollHeight")
        .await;
    page.says("#servers tbody tr", "Server999").await;
    page.run("const s = document.querySelector('#shards .scroll'); s.scrollTop = s.scrollHeight")
        .await;
    page.says("#shards tbody tr", "sh999").await;
    page.until(
        "document.querySelector('#shards canvas').ariaLabel.includes('3 on servers that are away')",
    )
    .await;
    let drawn: bool = page
        .eval(
            "const c = document.querySelector('#shards canvas');
            return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(Boolean)",
        )
        .await;
    assert!(drawn);
    page.picture("many-servers").await;
}
