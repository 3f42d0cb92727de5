//! Starting and stopping.

use serde_json::json;

use crate::program::{Balancer, is_ours, ringwright, run, text, until};

#[tokio::test]
async fn the_first_run_sets_up_a_sample_and_the_second_finds_it() {
    let data = tempfile::tempdir().unwrap();
    let mut balancer = Balancer::start(data.path(), &["--demo"]).await;
    until("the guide is printed", async || balancer.log().contains("The data is in").then_some(()))
        .await;
    for told in [&balancer.url, "/status", "/read", "/write", data.path().to_str().unwrap()] {
        assert!(balancer.log().contains(told), "{told}");
    }
    assert_eq!(balancer.http.keys(0, 12287).await.len(), 10_000);
    let status = balancer.status().await;
    let servers =
        json!({"Server0": ["sh1", "sh2"], "Server1": ["sh2", "sh3"], "Server2": ["sh1", "sh3"]});
    assert_eq!(status["servers"], servers);
    // The example that is printed works.
    let log = balancer.log();
    let write = log.lines().find(|l| l.contains("/write")).unwrap();
    let payload = write.split('\'').nth(3).unwrap();
    let added = balancer.http.post("/write", payload.parse().unwrap()).await.unwrap();
    assert_eq!(added.0, 200, "{}", added.1);

    let pids: Vec<u32> =
        ["Server0", "Server1", "Server2"].map(|s| balancer.server_pid(s).unwrap()).into();
    assert!(pids.iter().all(|pid| is_ours(*pid)));
    assert!(balancer.interrupt().await.success());
    assert!(!pids.iter().any(|pid| is_ours(*pid)), "servers live on");

    let again = Balancer::start(data.path(), &["--demo"]).await;
    until("the guide is printed", async || again.log().contains("The data is in").then_some(()))
        .await;
    assert_eq!(again.http.keys(0, 12287).await.len(), 10_001);
}

#[tokio::test]
async fn what_keeps_it_from_starting_is_told_in_a_line() {
    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::start(data.path(), &[]).await;
    let port = balancer.url.rsplit(':').next().unwrap();
    let here = data.path().to_str().unwrap();
    let other = tempfile::tempdir().unwrap();
    let there = other.path().to_str().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let below_a_file = file.path().join("x");
    let refusals: [(&[&str], &str); 7] = [
        (&["--port", "0", "--data-dir", here], "is in use by process"),
        (&["--port", port, "--data-dir", there], "another program listens there"),
        (&["--data-dir", below_a_file.to_str().unwrap()], "cannot make the data folder"),
        (&["--port", "0", "--data-dir", there, "--plugin-dir", there], "make plugins"),
        (&["--port", "x"], "--port"),
        (&["--slots", "0"], "--slots"),
        (&["--heartbeat-interval", "60s"], "must be shorter than --idle-exit (1m)"),
    ];
    for (args, told) in refusals {
        let output = run(&[&["serve", "--log", "error"], args].concat());
        let error = text(&output.stderr);
        assert!(!output.status.success(), "{args:?}");
        assert!(error.contains(told), "{args:?}: {error}");
    }
    // The lock file that a kill -9 leaves behind keeps nobody out.
    let mut balancer = balancer;
    balancer.kill();
    Balancer::start(data.path(), &[]).await;
}

#[test]
fn plugins_are_tried_before_the_charge_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().to_str().unwrap();
    let output = run(&["serve", "--port", "0", "--data-dir", here, "--plugin-dir", here]);
    let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(told.contains("make plugins") && !told.contains("took charge"), "{told}");
}

#[test]
fn a_flag_goes_before_a_variable_and_a_variable_before_the_file() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("ringwright.toml"), "port = 1\n").unwrap();
    let asked = |args: &[&str], variable: Option<&str>| {
        let mut command = ringwright(&[&["status"], args].concat());
        command.current_dir(dir.path()).envs(variable.map(|port| ("RINGWRIGHT_PORT", port)));
        text(&command.output().unwrap().stderr)
    };
    assert!(asked(&[], None).contains("127.0.0.1:1 "), "{}", asked(&[], None));
    assert!(asked(&[], Some("2")).contains("127.0.0.1:2 "));
    assert!(asked(&["--port", "3"], Some("2")).contains("127.0.0.1:3 "));
    std::fs::write(dir.path().join("ringwright.toml"), "prot = 1\n").unwrap();
    assert!(asked(&[], None).contains("there is no setting 'prot'"));
}

#[tokio::test]
async fn several_settings_come_from_several_places() {
    let dir = tempfile::tempdir().unwrap();
    let file = "slots = 64\nvirtual_nodes = 3\nhash = \"md5\"\ndemo = false\n";
    std::fs::write(dir.path().join("ringwright.toml"), file).unwrap();
    let variables =
        [("RINGWRIGHT_SLOTS", "128"), ("RINGWRIGHT_VIRTUAL_NODES", "4"), ("RINGWRIGHT_DEMO", "1")];
    let balancer = Balancer::begin(0, &dir.path().join("data"), &["--slots", "256"], |command| {
        command.current_dir(dir.path()).envs(variables);
    });
    let balancer = balancer.serves().await;
    balancer.says("The data is in").await;
    let ring = balancer.http.get("/ring").await.unwrap().1["message"].take();
    assert_eq!(ring["slots"], 256, "a flag goes first");
    assert_eq!(ring["virtual_nodes"].as_array().unwrap().len(), 3 * 4, "a variable second");
    assert_eq!(ring["hash"], "md5", "the file third");
}

#[test]
fn a_yes_or_no_may_be_said_in_several_ways() {
    let told = |variable: &str| {
        let mut command = ringwright(&["serve", "--data-dir", "/dev/null/x"]);
        text(&command.env("RINGWRIGHT_DEMO", variable).output().unwrap().stderr)
    };
    for good in ["1", "0", "true", "false"] {
        assert!(told(good).contains("cannot make the data folder"), "{good}: {}", told(good));
    }
    assert!(told("perhaps").contains("perhaps"), "{}", told("perhaps"));
}

#[test]
fn every_setting_is_in_the_help() {
    let help = text(&run(&["serve", "--help"]).stdout);
    for setting in [
        "PORT",
        "DATA_DIR",
        "PLUGIN_DIR",
        "SLOTS",
        "VIRTUAL_NODES",
        "REPLICAS",
        "HEARTBEAT_INTERVAL",
        "FLATLINE_AFTER",
        "WRITE_TIMEOUT",
        "READ_TIMEOUT",
        "MIN_IN_SYNC",
        "PROTOCOL",
    ] {
        assert!(help.contains(&format!("RINGWRIGHT_{setting}")), "{setting}");
    }
}

#[tokio::test]
async fn the_papers_protocol_says_on_every_start_that_it_loses_writes() {
    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::start(data.path(), &["--protocol", "paper"]).await;
    assert!(balancer.log().contains("LOSES WRITES"));
    drop(balancer);
    let safe = Balancer::start(data.path(), &[]).await;
    assert!(!safe.log().contains("LOSES WRITES"));
}
