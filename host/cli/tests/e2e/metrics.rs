//! The metrics, as a real Prometheus takes them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use hyper::Method;
use serde_json::Value;

use crate::program::{Balancer, Client, text, until};

/// What `make observe` gives to Prometheus.
fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docker/observability")
}

/// One of Prometheus' programs.
fn program(name: &str) -> Command {
    let found = Command::new(name).arg("--version").output();
    assert!(found.is_ok(), "{name} is missing, which this test runs: apt-get install prometheus");
    Command::new(name)
}

/// A cluster that has been used, and its metrics.
async fn used(data: &Path) -> (Balancer, String) {
    let balancer = Balancer::configured(data, &[]).await;
    assert_eq!(balancer.http.write(0..100).await.unwrap().0, 200);
    assert_eq!(balancer.http.keys(0, 12_287).await.len(), 100);
    assert_eq!(balancer.http.get("/nowhere").await.unwrap().0, 400);
    balancer.all_in_sync().await;
    let (status, told) = balancer.http.raw(Method::GET, "/metrics", String::new()).await.unwrap();
    assert_eq!(status, 200);
    (balancer, text(&told))
}

#[tokio::test(flavor = "multi_thread")]
async fn promtool_finds_nothing_wrong_with_the_metrics() {
    let data = tempfile::tempdir().unwrap();
    let (balancer, told) = used(data.path()).await;
    let helped = |line: &&str| line.starts_with("# HELP ");
    assert!(told.lines().filter(helped).count() > 40, "{told}");
    check(&told);
    let address = std::fs::read_to_string(data.path().join("servers/Server0/address")).unwrap();
    let server = Client::new(format!("http://{}", address.trim()));
    let (status, told) = server.raw(Method::GET, "/metrics", String::new()).await.unwrap();
    assert_eq!(status, 200, "without the secret that the server knows its balancer by");
    check(&text(&told));
    drop(balancer);
}

/// Has `promtool` look at metrics; it finds nothing to say.
#[track_caller]
fn check(told: &str) {
    let mut check = program("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all(told.as_bytes()).unwrap();
    let told = check.wait_with_output().unwrap();
    let (out, errors) = (text(&told.stdout), text(&told.stderr));
    assert!(told.status.success() && out.is_empty() && errors.is_empty(), "{out}{errors}");
}

#[test]
fn promtool_finds_the_configuration_right_and_each_alert_as_its_test_says() {
    for args in [["check", "config", "prometheus.yml"], ["test", "rules", "alerts.test.yml"]] {
        let told = program("promtool").args(args).current_dir(shipped()).output().unwrap();
        assert!(told.status.success(), "{}{}", text(&told.stdout), text(&told.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_scrapes_the_balancer_without_a_warning_and_sees_it_go() {
    let data = tempfile::tempdir().unwrap();
    let (mut balancer, _) = used(data.path()).await;
    let prometheus = Prometheus::start(balancer.url.strip_prefix("http://").unwrap()).await;
    until("the balancer and its servers are scraped", async || {
        let targets = prometheus.get("/api/v1/targets").await?;
        let targets = targets["activeTargets"].as_array()?;
        let is_up = |target: &Value| target["health"] == "up" && target["lastError"] == "";
        (targets.len() == 4 && targets.iter().all(is_up)).then_some(())
    })
    .await;
    for (query, expected) in [
        ("ringwright_in_charge", "1"),
        ("ringwright_shards_unavailable", "0"),
        ("sum(ringwright_servers{state='live'})", "3"),
        ("ringwright_http_requests_total{route='/write',code='200'}", "1"),
        ("min(ringwright_shard_replicas_in_sync)", "2"),
        ("count(ringwright_shard_server_database_bytes > 0)", "3"),
        ("sum(ringwright_shard_server_rows_total{operation='write'})", "200"),
        ("round(sum(ringwright_ring_share_ratio),0.001)", "1"),
        ("count(ringwright_disk_available_bytes <= ringwright_disk_size_bytes)", "4"),
    ] {
        until(query, async || (prometheus.value(query).await? == expected).then_some(())).await;
    }
    // What the dashboard of Grafana asks for is there, but for what has not happened yet.
    for query in panels() {
        until(&query, async || prometheus.series(&query).await.map(drop)).await;
        for name in names(&query) {
            let found = prometheus.series(name).await.is_some_and(|series| !series.is_empty());
            assert!(found || SELDOM.contains(&name), "{name} of '{query}' is nowhere");
        }
    }
    // A commit that stalled once makes a rule pending for more than a minute.
    until("every rule is evaluated", async || {
        let groups = prometheus.get("/api/v1/rules").await?;
        let rules = groups["groups"][0]["rules"].as_array()?;
        assert!(rules.iter().all(|rule| rule["health"] != "err"), "{rules:?}");
        rules.iter().all(|rule| rule["health"] == "ok" && rule["state"] == "inactive").then_some(())
    })
    .await;
    let warned: Vec<String> = prometheus.log().lines().filter(is_warning).map(Into::into).collect();
    assert!(warned.is_empty(), "{warned:#?}");
    balancer.kill();
    until("the alert", async || {
        let alerts = prometheus.get("/api/v1/alerts").await?;
        let alerts = alerts["alerts"].as_array()?;
        let down = |alert: &Value| alert["labels"]["alertname"] == "RingwrightBalancerDown";
        alerts.iter().any(down).then_some(())
    })
    .await;
}

/// Series that begin when something happens that does not happen in this test.
const SELDOM: [&str; 4] = [
    "ringwright_copy_rows",
    "ringwright_copy_expected_rows",
    "ringwright_shadow_moved_total",
    "ringwright_shadow_requests_total",
];

/// What the panels of Grafana's dashboard ask Prometheus.
fn panels() -> Vec<String> {
    let file = shipped().join("grafana/dashboards/ringwright.json");
    let dashboard: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let queries: Vec<String> = targets
        .map(|target| target["expr"].as_str().unwrap().replace("$__rate_interval", "1m"))
        .collect();
    assert!(queries.len() > 30, "{queries:?}");
    queries
}

/// The series that a query names.
fn names(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("ringwright_") || word.starts_with("process_"))
}

/// A Prometheus that runs as `make observe` sets it, but for where the balancer is and how often
/// it is asked.
struct Prometheus {
    child: Child,
    dir: tempfile::TempDir,
    http: Client,
}

impl Prometheus {
    async fn start(balancer: &str) -> Prometheus {
        loop {
            let mut prometheus = Prometheus::begin(balancer);
            let is_up = until("Prometheus is up, or has ended", async || {
                if prometheus.child.try_wait().unwrap().is_some() {
                    return Some(false);
                }
                prometheus.get("/api/v1/targets").await.map(|_| true)
            })
            .await;
            if is_up {
                return prometheus;
            }
            // Somebody else had the port first.
            let log = prometheus.log();
            assert!(log.contains("address already in use"), "{log}");
        }
    }

    /// Starts one on a port that is free now.
    fn begin(balancer: &str) -> Prometheus {
        let dir = tempfile::tempdir().unwrap();
        let mut config = std::fs::read_to_string(shipped().join("prometheus.yml")).unwrap();
        for (theirs, ours) in [("balancer:5000", balancer), ("_interval: 15s", "_interval: 1s")] {
            assert!(config.contains(theirs), "{config}");
            config = config.replace(theirs, ours);
        }
        std::fs::write(dir.path().join("prometheus.yml"), config).unwrap();
        std::fs::copy(shipped().join("alerts.yml"), dir.path().join("alerts.yml")).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let child = program("prometheus")
            .arg(format!("--config.file={}", dir.path().join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let http = Client::new(format!("http://{address}"));
        Prometheus { child, dir, http }
    }

    /// What its API answers, where it does.
    async fn get(&self, path: &str) -> Option<Value> {
        let (_, mut answer) = self.http.get(path).await.ok()?;
        (answer["status"] == "success").then(|| answer["data"].take())
    }

    /// What it has to answer a query, where it understands it.
    async fn series(&self, query: &str) -> Option<Vec<Value>> {
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let data = self.get(&format!("/api/v1/query?query={encoded}")).await?;
        data["result"].as_array().cloned()
    }

    /// The value of the only series of a query.
    async fn value(&self, query: &str) -> Option<String> {
        let series = self.series(query).await?;
        assert!(series.len() < 2, "{series:?}");
        Some(series.first()?["value"][1].as_str()?.to_owned())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- what Prometheus said\n{}---", self.log());
        }
    }
}

/// Lines that Prometheus or its parser would have an operator look at.
fn is_warning(line: &&str) -> bool {
    ["level=warn", "level=error", "level=WARN", "level=ERROR"].iter().any(|w| line.contains(w))
}
