//! Shard servers on Postgres, each with one of its own; and one for the metadata.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use crate::program::{Balancer, ringwright, run, signal, text, until};

const ON_POSTGRES: [&str; 4] = ["--engine", "postgres", "--heartbeat-interval", "100ms"];

const SERVERS: [&str; 3] = ["Server0", "Server1", "Server2"];

/// A folder that others may pass through: Postgres may run as another user than the tests.
fn open_dir() -> tempfile::TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o711)).tempdir().unwrap()
}

/// The processes of Postgres somewhere below a folder.
fn processes(below: &Path) -> Vec<u32> {
    let numbers = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_below = |pid: &u32| {
        std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|dir| dir.starts_with(below))
    };
    numbers.filter(is_below).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_on_postgres_outlives_its_servers_and_its_balancer() {
    let data = open_dir();
    let mut balancer = Balancer::configured(data.path(), &ON_POSTGRES).await;
    let all = [7, 5000, 10_000];
    assert_eq!(balancer.http.write(all).await.unwrap().0, 200);

    // Each has its rows when it comes back: the next one to go has the other copies.
    for name in SERVERS {
        let before = balancer.server_pid(name);
        balancer.kill_server(name);
        until("it comes back", async || {
            balancer.server_pid(name).filter(|pid| Some(*pid) != before)
        })
        .await;
        balancer.all_in_sync().await;
        assert_eq!(balancer.http.keys(0, 12_287).await, all, "without {name}");
    }

    // The balancer goes, and a server whose Postgres nobody ends but itself.
    let (one, others) = (data.path().join("servers/Server0"), ["Server1", "Server2"]);
    let pids = others.map(|name| balancer.server_pid(name));
    balancer.kill();
    assert!(!processes(&one).is_empty());
    balancer.kill_server("Server0");
    until("its Postgres goes", async || processes(&one).is_empty().then_some(())).await;
    let mut balancer = Balancer::start(data.path(), &ON_POSTGRES).await;
    balancer.all_in_sync().await;
    assert_eq!(others.map(|name| balancer.server_pid(name)), pids, "a second set was started");
    assert_eq!(balancer.http.keys(0, 12_287).await, all);

    assert!(balancer.interrupt().await.success());
    assert_eq!(processes(data.path()), [0; 0], "some live on");
    let log = std::fs::read_to_string(one.join("server.log")).unwrap();
    assert!(log.contains("database system is shut down"), "not in good order: {log}");

    let again = Balancer::start(data.path(), &ON_POSTGRES).await;
    again.all_in_sync().await;
    assert_eq!(again.http.keys(0, 12_287).await, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_for_the_metadata_serves_until_sigterm() {
    let data = open_dir();
    let (folder, file) = (data.path().to_str().unwrap(), data.path().join("password"));
    std::fs::write(&file, "secret\n").unwrap();
    let args = ["postgres", "--data-dir", folder, "--port"];
    let refused = text(&run(&[&args[..], &["5432"]].concat()).stderr);
    assert!(refused.contains("--password-file"), "{refused}");

    let log = data.path().join("log");
    let told = || std::fs::read_to_string(&log).unwrap();
    let (mut child, port) = loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut child = ringwright(&args)
            .arg(port.to_string())
            .arg("--password-file")
            .arg(&file)
            .stderr(Stdio::from(std::fs::File::create(&log).unwrap()))
            .spawn()
            .unwrap();
        until("it serves, or ends", async || {
            (told().contains(" serving") || child.try_wait().unwrap().is_some()).then_some(())
        })
        .await;
        if told().contains(" serving") {
            break (child, port);
        }
        // Somebody else had the port first.
        assert!(told().contains("Address already in use"), "{}", told());
    };
    std::net::TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    signal(child.id(), "TERM");
    let status = until("it stops", async || child.try_wait().unwrap()).await;
    assert!(status.success(), "{}", told());
    assert_eq!(processes(data.path()), [0; 0], "some live on");
    assert!(told().contains("database system is shut down") && !told().contains("secret"));
}
