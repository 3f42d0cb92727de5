//! `load`, `status`, `shard-server` and `bench-plugins`.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::program::{Balancer, Client, ringwright, run, signal, text, until};

/// A CSV file of students; lines 2 and on are rows.
fn csv(rows: &[String]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = format!("stud_name,stud_marks,stud_id\n{}\n", rows.join("\n"));
    std::fs::write(file.path(), text).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn load_adds_what_fits_reports_what_does_not_and_can_be_repeated() {
    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::configured(data.path(), &[]).await;
    assert_eq!(balancer.http.write([7]).await.unwrap().0, 200);
    let mut rows: Vec<String> =
        (100..1100).map(|id| format!("name {id},{},{id}", id % 7)).collect();
    rows[50] = "there already,1,7".into();
    rows[200] = "in no shard,1,99999".into();
    rows[300] = "too few,1".into();
    rows[400] = "no key,1,x".into();
    let file = csv(&rows);
    let file = file.path().to_str().unwrap();
    let load = |more: &[&str]| {
        run(&[&["load", file, "--url", &balancer.url, "--batch", "64"], more].concat())
    };
    let first = load(&[]);
    let told = text(&first.stderr);
    assert!(!first.status.success());
    assert_eq!(text(&first.stdout), "996 rows added, 4 rejected\n");
    let lines: Vec<&str> =
        told.lines().filter_map(|l| l.strip_prefix("line ")?.split(':').next()).collect();
    assert_eq!(lines, ["52", "202", "302", "402"], "{told}");
    assert_eq!(balancer.http.keys(0, 12_287).await.len(), 997);

    let second: Value = serde_json::from_slice(&load(&["--output", "json"]).stdout).unwrap();
    assert_eq!(second["added"], 996);
    assert_eq!(second["rejected"][0]["line"], 52);
    assert_eq!(balancer.http.keys(0, 12_287).await.len(), 997);
}

#[tokio::test(flavor = "multi_thread")]
async fn load_goes_on_when_the_balancer_comes_back() {
    let data = tempfile::tempdir().unwrap();
    let mut balancer = Balancer::configured(data.path(), &[]).await;
    let port: u16 = balancer.url.rsplit(':').next().unwrap().parse().unwrap();
    let rows: Vec<String> = (0..6000).map(|id| format!("name {id},1,{id}")).collect();
    let file = csv(&rows);
    let args = ["load", file.path().to_str().unwrap(), "--url", &balancer.url, "--batch", "20"];
    let load = ringwright(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("some rows are there", async || {
        (!balancer.http.keys(0, 12_287).await.is_empty()).then_some(())
    })
    .await;
    balancer.kill();
    let balancer = Balancer::start_on(port, data.path(), &[]).await;
    let done = tokio::task::spawn_blocking(|| load.wait_with_output().unwrap()).await.unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert_eq!(text(&done.stdout), "6000 rows added, 0 rejected\n");
    assert_eq!(balancer.http.keys(0, 12_287).await.len(), 6000);
}

#[test]
fn what_cannot_be_loaded_is_told() {
    let told = |args: &[&str]| text(&run(&[&["load"], args].concat()).stderr);
    assert!(told(&["/nowhere.csv"]).contains("cannot open /nowhere.csv"));
    let many = ["x.csv", "--batch", "10001"];
    assert!(told(&many).contains("10001 is not in 1..=10000"), "{}", told(&many));
    let file = csv(&[]);
    let args = [file.path().to_str().unwrap(), "--port", "1", "--retry-for", "0s"];
    assert!(told(&args).contains("does not answer"), "{}", told(&args));
}

#[tokio::test(flavor = "multi_thread")]
async fn status_is_a_table_or_json() {
    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::start(data.path(), &[]).await;
    let status = |more: &[&str]| {
        let output = run(&[&["status", "--url", &balancer.url], more].concat());
        assert!(output.status.success());
        text(&output.stdout)
    };
    assert!(status(&[]).contains("not configured"));
    balancer.http.post("/init", crate::program::cluster()).await.unwrap();
    let table = status(&[]);
    let row = |name: &str| table.lines().find(|l| l.contains(name)).unwrap_or_default().to_owned();
    assert!(row("Server1").contains("live") && row("Server1").contains("sh2, sh3"), "{table}");
    assert!(row("4096..8191").contains("Server0, Server1"), "{table}");
    let json: Value = serde_json::from_str(&status(&["--output", "json"])).unwrap();
    assert_eq!(json["servers"]["Server1"], json!(["sh2", "sh3"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_server_stops_on_sigterm_and_comes_back_the_same() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    let start = async || {
        let args = ["shard-server", "--name", "S1", "--port", "0", "--data-dir", folder];
        let child = ringwright(&args).stderr(Stdio::null()).spawn().unwrap();
        let address = until("it listens", async || {
            std::fs::read_to_string(data.path().join("address")).ok().filter(|a| !a.is_empty())
        })
        .await;
        (child, Client::new(format!("http://{address}")))
    };
    let (mut child, client) = start().await;
    let schema = json!({"columns": ["id"], "dtypes": ["Number"]});
    let config = json!({"schema": schema, "shards": ["sh1"]});
    assert_eq!(client.post("/config", config).await.unwrap().0, 200);
    let row = json!({"shard": "sh1", "valid_at": 0, "data": [{"id": 5}]});
    assert_eq!(client.post("/write", row).await.unwrap().0, 200);
    let second = run(&["shard-server", "--port", "0", "--data-dir", folder]);
    assert!(!second.status.success());
    assert!(text(&second.stderr).contains("is in use"), "{}", text(&second.stderr));
    signal(child.id(), "TERM");
    let status = until("it stops", async || child.try_wait().unwrap()).await;
    assert!(status.success());
    assert!(!data.path().join("address").exists());
    assert!(!data.path().join("data.sqlite-wal").exists(), "the log was not folded in");

    let (mut child, client) = start().await;
    let read = json!({"shard": "sh1", "id": {"low": 0, "high": 9}, "valid_at": 1});
    let (_, answer) = client.post("/read", read).await.unwrap();
    assert_eq!(answer["data"], json!([{"id": 5}]));
    signal(child.id(), "TERM");
    until("it stops", async || child.try_wait().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_stops_nothing() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let args = ["shard-server", "--port", "0", "--data-dir", folder, "--log", "trace"];
    let mut child = ringwright(&args).stderr(full).spawn().unwrap();
    let address = until("it listens", async || {
        assert_eq!(child.try_wait().unwrap(), None, "it ended");
        std::fs::read_to_string(data.path().join("address")).ok().filter(|a| !a.is_empty())
    })
    .await;
    let client = Client::new(format!("http://{address}"));
    assert_eq!(client.get("/home").await.unwrap().0, 200);
    signal(child.id(), "TERM");
    let status = until("it stops", async || child.try_wait().unwrap()).await;
    assert!(status.success(), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shells_limit_of_open_files_is_raised() {
    let data = tempfile::tempdir().unwrap();
    let server = ringwright(&["shard-server", "--port", "0", "--data-dir"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"ulimit -S -n 100 && exec "$@""#, "sh"]).arg(server.get_program());
    shell.args(server.get_args()).arg(data.path());
    let mut child = shell.stderr(Stdio::null()).spawn().unwrap();
    until("it listens", async || std::fs::read(data.path().join("address")).ok()).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    signal(child.id(), "TERM");
    until("it stops", async || child.try_wait().unwrap()).await;
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let soft: u64 = files.split_whitespace().nth(3).unwrap().parse().unwrap();
    assert!(soft > 100, "{files}");
}

const PLUGINS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/dist");

#[test]
fn bench_plugins_compares_what_there_is_and_names_what_it_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let (broken, out) = (folder.path().join("broken.wasm"), folder.path().join("out"));
    std::fs::write(&broken, "no component").unwrap();
    let (broken, page) = (broken.to_str().unwrap(), out.join("index.html"));
    let out = out.to_str().unwrap();
    let args = ["bench-plugins", broken, "--plugin-dir", PLUGINS, "--quick", "--out-dir", out];
    let told = run(&args);
    let shown = text(&told.stdout);
    assert!(told.status.success(), "{}", text(&told.stderr));
    assert!(shown.ends_with(&format!("The page: {}\n", page.display())), "{shown}");
    assert!(shown.contains("87 of 512") && shown.contains(&format!("{broken}: ")), "{shown}");
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.contains("<svg") && html.contains("virtual-node"), "{html}");
}

#[test]
fn bench_plugins_answers_json_and_wants_something_to_compare() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let file = format!("{PLUGINS}/quadratic.wasm");
    let of = |path: &str| {
        let args = ["bench-plugins", path, "--plugin-dir", out, "--quick", "--out-dir", out];
        run(&[&args[..], &["--output", "json"]].concat())
    };
    let told: Value = serde_json::from_slice(&of(&file).stdout).unwrap();
    assert_eq!(told["plugins"][0]["about"]["name"], "quadratic");
    assert_eq!(told["plugins"][0]["reach"][0], json!({"slots": 512, "reached": 87}));
    let none = of("/nowhere");
    assert!(!none.status.success());
    assert!(text(&none.stderr).contains("no hash function to compare"), "{}", text(&none.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_shows_what_happened_and_follows_a_balancer_over_its_restart() {
    let data = tempfile::tempdir().unwrap();
    let mut balancer = Balancer::configured(data.path(), &[]).await;
    let port: u16 = balancer.url.rsplit(':').next().unwrap().parse().unwrap();
    let told = run(&["events", "--url", &balancer.url]);
    assert!(told.status.success(), "{told:?}");
    let kinds = |told: &[u8]| -> Vec<String> {
        let words = |line: &str| line.split_whitespace().nth(1).unwrap().to_owned();
        text(told).lines().map(words).collect()
    };
    // On a slow machine heartbeats are missed now and then.
    let is_heartbeat = |kind: &str| kind.starts_with("heartbeat-");
    let mut first = kinds(&told.stdout);
    first.retain(|kind| !is_heartbeat(kind));
    assert_eq!(first, ["charge-taken", "cluster-initialised"]);
    let json = run(&["events", "--url", &balancer.url, "--last", "1", "--output", "json"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 1);
    let kind = json[0]["kind"].as_str().unwrap();
    assert!(kind == "cluster-initialised" || is_heartbeat(kind), "{json}");

    let seen = tempfile::NamedTempFile::new().unwrap();
    let args = ["events", "--url", &balancer.url, "--follow", "--last", "1"];
    let mut follower = ringwright(&args).stdout(seen.reopen().unwrap()).spawn().unwrap();
    let shown = || kinds(&std::fs::read(seen.path()).unwrap());
    balancer.kill_server("Server1");
    balancer.says("RESPAWN: the replacement is up").await;
    until("it was shown", async || shown().contains(&"server-back".to_owned()).then_some(())).await;
    assert!(balancer.interrupt().await.success());
    assert!(!balancer.log().contains("given up after"), "it waited for the stream");
    let _again = Balancer::start_on(port, data.path(), &[]).await;
    until("the restart is shown", async || {
        shown().contains(&"charge-taken".to_owned()).then_some(())
    })
    .await;
    let shown = shown();
    assert_eq!(shown.iter().filter(|kind| *kind == "server-back").count(), 1, "{shown:?}");
    assert_eq!(shown.iter().filter(|kind| *kind == "charge-taken").count(), 1, "{shown:?}");
    signal(follower.id(), "INT");
    follower.wait().unwrap();
}
