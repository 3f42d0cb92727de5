//! Stopping, and starts that take their time.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::program::{Balancer, is_ours, signal, until};

const SERVERS: [&str; 3] = ["Server0", "Server1", "Server2"];

/// A data folder of a cluster that was stopped.
async fn stopped() -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    let mut balancer = Balancer::configured(data.path(), &[]).await;
    assert_eq!(balancer.http.write([7, 5000, 10_000]).await.unwrap().0, 200);
    assert!(balancer.interrupt().await.success());
    data
}

/// Keeps a server from starting: its folder is in use.
fn occupy(data: &Path, server: &str) -> File {
    let lock = data.join("servers").join(server).join("server.lock");
    let lock = File::options().write(true).open(lock).unwrap();
    lock.lock().unwrap();
    lock
}

#[tokio::test]
async fn sigterm_ends_the_balancer_and_its_servers() {
    let data = tempfile::tempdir().unwrap();
    let mut balancer = Balancer::configured(data.path(), &[]).await;
    let pids = SERVERS.map(|server| balancer.server_pid(server).unwrap());
    balancer.signal("TERM");
    assert!(balancer.ended().await.success());
    assert!(!pids.into_iter().any(is_ours), "servers live on");
}

#[tokio::test]
async fn ctrl_c_is_obeyed_during_the_start() {
    let data = stopped().await;
    let _held = SERVERS.map(|server| occupy(data.path(), server));
    let mut balancer = Balancer::begin(0, data.path(), &[], |_| {});
    balancer.says("took charge").await;
    let begun = Instant::now();
    assert!(balancer.interrupt().await.success());
    assert!(begun.elapsed() < Duration::from_secs(8), "it waited: {:?}", begun.elapsed());
    assert!(!balancer.log().contains("serving"));
}

#[tokio::test]
async fn ctrl_c_is_obeyed_while_the_metadata_is_waited_for() {
    let data = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nowhere = ["--metadata-url", "postgres://ringwright@127.0.0.1:1/ringwright"];
    let mut balancer = Balancer::begin(port, data.path(), &nowhere, |_| {});
    balancer.says("waiting for the Postgres of the metadata").await;
    let refused = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused, "it would hang");
    let begun = Instant::now();
    assert!(balancer.interrupt().await.success());
    assert!(begun.elapsed() < Duration::from_secs(5), "it waited: {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_second_ctrl_c_ends_at_once() {
    let data = tempfile::tempdir().unwrap();
    let mut balancer = Balancer::configured(data.path(), &[]).await;
    // It would wait for this one for longer than anybody likes.
    let pid = balancer.server_pid("Server1").unwrap();
    signal(pid, "STOP");
    balancer.signal("INT");
    balancer.says("stopping").await;
    let begun = Instant::now();
    assert_eq!(balancer.interrupt().await.code(), Some(130));
    assert!(begun.elapsed() < Duration::from_secs(5), "it waited: {:?}", begun.elapsed());
    signal(pid, "KILL");
}

#[tokio::test]
async fn one_server_that_does_not_start_keeps_no_other_from_serving() {
    let data = stopped().await;
    let held = occupy(data.path(), "Server1");
    let balancer = Balancer::start(data.path(), &[]).await;
    assert_eq!(balancer.http.keys(0, 12_287).await, [7, 5000, 10_000]);
    assert_eq!(balancer.status().await["server_states"]["Server1"], "dead");
    assert_eq!(balancer.http.write([8, 5001, 10_001]).await.unwrap().0, 200);
    drop(held);
    balancer.all_in_sync().await;
    assert_eq!(balancer.http.keys(0, 12_287).await.len(), 6);
}

#[tokio::test]
async fn the_charge_is_kept_while_servers_are_taken_over() {
    let data = tempfile::tempdir().unwrap();
    let mut balancer = Balancer::configured(data.path(), &[]).await;
    let pids = SERVERS.map(|server| balancer.server_pid(server).unwrap());
    balancer.kill();
    // All are slow to answer, and for longer than the charge lasts.
    pids.into_iter().for_each(|pid| signal(pid, "STOP"));
    let quick = ["--charge-term", "1s"];
    let balancer = Balancer::begin(0, data.path(), &quick, |_| {});
    balancer.says("took charge").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    pids.into_iter().for_each(|pid| signal(pid, "CONT"));
    let balancer = balancer.serves().await;
    assert_eq!(balancer.http.get("/status").await.unwrap().0, 200, "from the first request on");
    balancer.all_in_sync().await;
    assert_eq!(SERVERS.map(|server| balancer.server_pid(server).unwrap()), pids);
    until("nobody was brought back", async || (!balancer.log().contains("RESPAWN")).then_some(()))
        .await;
}
