//! `/metrics`.

use std::collections::BTreeSet;
use std::path::Path;

use ringwright_wire::Secret;
use serde_json::{Value, json};

use crate::support::{Api, Client, Options, row};

fn supervised() -> Options {
    Options { supervised: true, ..Options::default() }
}

/// Waits until a series has such a value.
async fn until(api: &Api, series: &str, is: impl Fn(f64) -> bool) {
    api.until(series, async |api| api.metrics().await.value(series).filter(|v| is(*v))).await;
}

/// A series of requests, as it is told.
fn requests(route: &str, method: &str, code: u16) -> String {
    format!(
        "ringwright_http_requests_total{{code=\"{code}\",method=\"{method}\",route=\"{route}\"}}"
    )
}

#[tokio::test]
async fn each_request_is_counted_by_route_method_and_code() {
    let api = Api::configured().await;
    api.fill().await;
    api.post("/read", json!({"Stud_id": 5})).await.refusal(400);
    for _ in 0..2 {
        api.get("/home?a=b").await.ok();
        api.get("/nowhere").await.refusal(400);
        api.send("BREW", "/pot", &[], "").await.refusal(404);
        api.send("PATCH", "/rm", &[], "").await.refusal(405);
    }
    let counted = [
        ("/init", "POST", 200, 1),
        ("/write", "POST", 200, 1),
        ("/read", "POST", 400, 1),
        ("forwarded", "GET", 200, 2),
        ("forwarded", "GET", 400, 2),
        ("forwarded", "other", 404, 2),
        ("/rm", "PATCH", 405, 2),
    ];
    let told = api.metrics().await;
    for (route, method, code, times) in counted {
        assert_eq!(told.value(&requests(route, method, code)), Some(f64::from(times)), "{route}");
    }
    assert!(!told.text.contains("/nowhere") && !told.text.contains("BREW"), "{told:?}");
    assert_eq!(told.value("ringwright_http_requests_in_flight"), Some(1.0), "itself");
    let seen = api.balancer.metrics.requests.snapshot();
    let forwarded = seen.iter().find(|a| a.route == "forwarded" && a.code == "200").unwrap();
    assert_eq!((&*forwarded.method, forwarded.latency.count), ("GET", 2));
    assert!(forwarded.latency.sum > 0.0);
    assert!(forwarded.latency.buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1));
}

#[tokio::test]
async fn what_is_refused_at_the_door_is_counted_and_the_metrics_are_not_refused() {
    let mut options = Options::default();
    options.balancer.rate_limit = 1;
    options.balancer.token = Some(Secret::new("0123456789abcdef").unwrap());
    let api = Api::with(options).await;
    let refused = async |api: &Api| (api.get("/help").await.status == 429).then_some(());
    api.until("too many requests", refused).await;
    for _ in 0..5 {
        let told = api.metrics().await;
        assert_eq!(told.value(&requests("/help", "GET", 429)), Some(1.0));
    }
}

#[tokio::test]
async fn servers_and_shards_are_told_as_they_are_now() {
    let api = Api::configured_with(supervised()).await;
    for (series, value) in [
        ("ringwright_servers{state=\"live\"}", 3.0),
        ("ringwright_servers{state=\"dead\"}", 0.0),
        ("ringwright_server_up{server=\"Server1\"}", 1.0),
        ("ringwright_flatlines_total{server=\"Server1\"}", 0.0),
        ("ringwright_shards", 3.0),
        ("ringwright_shards_under_replicated", 0.0),
        ("ringwright_shards_unavailable", 0.0),
        ("ringwright_shard_replicas_in_sync{shard=\"sh1\"}", 2.0),
        ("ringwright_in_charge", 1.0),
    ] {
        until(&api, series, |told| told == value).await;
    }
    // Server0 has sh1 and sh2, Server2 sh1 and sh3.
    api.servers.set_broken("Server0", true);
    api.servers.crash("Server0", true).await;
    until(&api, "ringwright_shards_under_replicated", |shards| shards == 2.0).await;
    until(&api, "ringwright_server_up{server=\"Server0\"}", |up| up == 0.0).await;
    until(&api, "ringwright_heartbeat_misses_total{server=\"Server0\"}", |n| n >= 5.0).await;
    until(&api, "ringwright_flatlines_total{server=\"Server0\"}", |n| n >= 1.0).await;
    let failed = "ringwright_respawns_total{outcome=\"failed\",server=\"Server0\"}";
    until(&api, failed, |n| n >= 1.0).await;
    api.servers.set_broken("Server2", true);
    api.servers.crash("Server2", true).await;
    until(&api, "ringwright_shards_unavailable", |shards| shards == 1.0).await;
    for server in ["Server0", "Server2"] {
        api.servers.set_broken(server, false);
    }
    until(&api, "ringwright_shards_unavailable", |shards| shards == 0.0).await;
    until(&api, "ringwright_shards_under_replicated", |shards| shards == 0.0).await;
    until(&api, "ringwright_servers{state=\"live\"}", |servers| servers == 3.0).await;
}

#[tokio::test]
async fn nothing_is_told_of_a_server_that_was_removed() {
    let api = Api::configured_with(supervised()).await;
    api.post("/add", json!({"n": 1, "hostnames": ["Gone"]})).await.ok();
    assert!(api.metrics().await.text.contains("server=\"Gone\""));
    api.delete("/rm", json!({"n": 1, "hostnames": ["Gone"]})).await.ok();
    assert!(!api.metrics().await.text.contains("Gone"));
}

#[tokio::test]
async fn requests_are_measured_by_server_and_shard_and_writes_by_batch_and_commit() {
    let api = Api::filled().await;
    for _ in 0..3 {
        api.post("/read", json!({"Stud_id": {"low": 0, "high": 20_000}})).await.ok();
    }
    let told = api.metrics().await;
    let of = |shard: &str, operation: &str| {
        let labels = format!("{{operation=\"{operation}\",shard=\"{shard}\"}}");
        told.value(&format!("ringwright_shard_request_duration_seconds_count{labels}"))
    };
    assert_eq!([of("sh1", "read"), of("sh2", "read"), of("sh3", "read")], [Some(3.0); 3]);
    assert_eq!([of("sh1", "write"), of("sh2", "write"), of("sh3", "write")], [Some(1.0); 3]);
    let server = |operation: &str| -> f64 {
        let of = |name| {
            let labels = format!("{{operation=\"{operation}\",server=\"{name}\"}}");
            told.value(&format!("ringwright_server_request_duration_seconds_count{labels}"))
        };
        ["Server0", "Server1", "Server2"].into_iter().filter_map(of).sum()
    };
    assert_eq!((server("read"), server("write")), (9.0, 3.0));
    assert_eq!(told.value("ringwright_write_batch_requests_count"), Some(1.0));
    assert_eq!(told.value("ringwright_replication_round_duration_seconds_count"), Some(1.0));
    assert!(told.value("ringwright_commit_duration_seconds_count") >= Some(1.0));
    assert!(told.value("ringwright_commit_batch_commits_sum") >= Some(1.0));
    let slots = "ringwright_plugin_call_duration_seconds_count\
                 {call=\"slot\",kind=\"hash\",name=\"virtual-node\"}";
    assert!(told.value(slots) >= Some(1.0), "{}", told.text);
}

#[tokio::test]
async fn what_a_server_fails_is_counted_though_others_answer() {
    let api = Api::filled().await;
    let failed = |operation: &str, server: &str| {
        format!("ringwright_server_failures_total{{operation=\"{operation}\",server=\"{server}\"}}")
    };
    let (reads, writes) = (failed("read", "Server0"), failed("write", "Server0"));
    let told = api.metrics().await;
    assert_eq!([told.value(&reads), told.value(&writes)], [Some(0.0); 2]);
    api.servers.crash("Server0", false).await;
    for id in 0..30_u32 {
        api.send("GET", "/home", &[("x-request-id", &id.to_string())], "").await.ok();
    }
    api.post("/write", json!({"data": [row(9)]})).await.ok();
    let told = api.metrics().await;
    assert!(told.value(&reads) >= Some(1.0), "{}", told.text);
    assert_eq!(told.value(&writes), Some(1.0));
    assert_eq!(told.value(&failed("write", "Server1")), Some(0.0));
}

#[tokio::test]
async fn prometheus_is_told_where_the_servers_that_answer_are() {
    let api = Api::configured_with(supervised()).await;
    let target = |name: &str| {
        let address = api.servers.instance(name).unwrap().address;
        json!({"targets": [address], "labels": {"server": name}})
    };
    let all = ["Server0", "Server1", "Server2"].map(target);
    told_to_prometheus(&api, json!(all)).await;
    api.servers.set_broken("Server0", true);
    api.servers.crash("Server0", true).await;
    told_to_prometheus(&api, json!(all[1..])).await;
}

/// Waits until Prometheus is told of these: one that misses a heartbeat is left out for so long.
async fn told_to_prometheus(api: &Api, targets: Value) {
    let are_told = async |api: &Api| {
        let told = api.get("/metrics/servers").await.json();
        (told == targets).then_some(())
    };
    api.until("Prometheus is told", are_told).await;
}

/// Names that begin like ours, in a text.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
    let words = text
        .split(|c| !is_part(c))
        .filter(|word| word.starts_with("ringwright_") || word.starts_with("process_"));
    let base = |word: &str| {
        let parts = ["_bucket", "_sum", "_count"];
        let base = parts.iter().find_map(|part| word.strip_suffix(part));
        base.unwrap_or(word).to_owned()
    };
    words.map(base).collect()
}

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap()
}

/// The metrics of a balancer that does all that there are metrics of.
async fn all_metrics() -> BTreeSet<String> {
    let api = Api::filled().await;
    api.put("/plugins/shadow", json!({"hash": "md5"})).await.ok();
    let rows: Vec<_> = (0..4000).filter(|id| ![10, 2255, 3524].contains(id)).map(row).collect();
    api.post("/write", json!({"data": rows})).await.ok();
    api.get("/ring").await.ok();
    let before = api.metrics().await.text;
    for attempt in 0..20 {
        let (client, name) = (api.another_client(), format!("Copied{attempt}"));
        let add = json!({"n": 1, "servers": {name: ["sh1"]}});
        let added = tokio::spawn(async move { client.post("/add", add).await });
        while !added.is_finished() {
            let told = api.metrics().await.text;
            if told.contains("ringwright_copy_expected_rows{") {
                added.await.unwrap().ok();
                let address = api.servers.instance("Server0").unwrap().address;
                let server = Client::new(address.parse().unwrap()).metrics().await.text;
                let told = format!("{before}{told}{server}");
                let told = told.lines().filter_map(|line| line.strip_prefix("# TYPE "));
                return told.filter_map(|line| Some(line.split_once(' ')?.0.to_owned())).collect();
            }
        }
        added.await.unwrap().ok();
    }
    panic!("no copy was seen under way");
}

#[tokio::test]
async fn the_docs_name_every_metric_and_alerts_and_dashboard_only_such() {
    let told = all_metrics().await;
    let operations = read("docs/operations.md");
    let (_, table) = operations.split_once("### Metrics").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('|').next());
    let documented = names(&rows.collect::<Vec<_>>().join(" "));
    assert_eq!(documented, told);
    for file in ["alerts.yml", "grafana/dashboards/ringwright.json"] {
        let named = names(&read(&format!("docker/observability/{file}")));
        let unknown: Vec<_> = named.difference(&told).collect();
        assert!(named.len() > 5 && unknown.is_empty(), "{file}: {unknown:?}");
    }
}

#[test]
fn each_alert_points_to_a_section_that_tells_what_to_do() {
    let (alerts, operations) =
        (read("docker/observability/alerts.yml"), read("docs/operations.md"));
    let anchor = |heading: &str| heading.to_lowercase().replace(' ', "-");
    let headings: Vec<String> =
        operations.lines().filter_map(|line| line.strip_prefix("### ")).map(anchor).collect();
    for alert in alerts.split("- alert: ").skip(1) {
        let name = alert.lines().next().unwrap();
        let (_, section) = alert.split_once("runbook: docs/operations.md#").unwrap();
        let section = section.lines().next().unwrap().to_owned();
        assert!(headings.contains(&section), "{name}: {section}");
        assert!(operations.contains(&format!("`{name}`")), "{name}");
    }
}
