//! Servers and the balancer are killed under load.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::program::{Balancer, Client, QUICK, until};

/// Clients that write and read until they are stopped.
struct Load {
    stop: Arc<AtomicBool>,
    /// Writes acknowledged.
    acknowledged: Arc<AtomicU64>,
    /// Keys acknowledged, and what reads had for an answer but rows.
    writers: JoinSet<BTreeSet<u64>>,
    readers: JoinSet<Vec<String>>,
}

impl Load {
    fn start(client: &Client) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(AtomicU64::new(0));
        let (mut writers, mut readers) = (JoinSet::new(), JoinSet::new());
        for w in 0..6 {
            let (client, stop, count) = (client.clone(), stop.clone(), acknowledged.clone());
            writers.spawn(async move {
                let mut done = BTreeSet::new();
                // Every writer has its own keys, over all three shards.
                for id in (w..12_288).step_by(6).map(|i| (i * 4099) % 12_288) {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    match client.write([id]).await {
                        Ok((200, _)) => {
                            done.insert(id);
                            count.fetch_add(1, Ordering::Relaxed);
                        }
                        _ => tokio::time::sleep(Duration::from_millis(10)).await,
                    }
                }
                done
            });
        }
        for r in 0..3 {
            let (client, stop) = (client.clone(), stop.clone());
            readers.spawn(async move {
                let mut errors = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let range =
                        serde_json::json!({"Stud_id": {"low": r * 4000, "high": r * 4000 + 200}});
                    match client.post("/read", range).await {
                        Ok((200, _)) => {}
                        other => errors.push(format!("{other:?}")),
                    }
                }
                errors
            });
        }
        Load { stop, acknowledged, writers, readers }
    }

    /// Waits for so many more writes to be acknowledged.
    async fn more(&self, writes: u64) {
        let from = self.acknowledged.load(Ordering::Relaxed);
        until("writes go on", async || {
            (self.acknowledged.load(Ordering::Relaxed) >= from + writes).then_some(())
        })
        .await;
    }

    async fn stop(self) -> (BTreeSet<u64>, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let keys = self.writers.join_all().await.into_iter().flatten().collect();
        (keys, self.readers.join_all().await.concat())
    }
}

async fn assert_all_there(client: &Client, acknowledged: &BTreeSet<u64>) {
    let found: BTreeSet<u64> = client.keys(0, 12_287).await.into_iter().collect();
    let lost: Vec<_> = acknowledged.difference(&found).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_costs_no_write_and_no_read() {
    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::configured(data.path(), &QUICK).await;
    let load = Load::start(&balancer.http);
    load.more(100).await;
    let before = balancer.server_pid("Server1").unwrap();
    balancer.kill_server("Server1");
    load.more(100).await;
    until("a replacement runs", async || {
        balancer.server_pid("Server1").filter(|pid| *pid != before)
    })
    .await;
    balancer.all_in_sync().await;
    load.more(100).await;
    let (acknowledged, read_errors) = load.stop().await;
    assert!(read_errors.is_empty(), "{read_errors:?}");
    assert_all_there(&balancer.http, &acknowledged).await;
    for told in ["HEARTBEAT", "FLATLINE", "RESPAWN"] {
        assert!(balancer.log().contains(told), "{told}");
    }
    // The replacement alone has them all: the other holder of each of its shards goes.
    for other in ["Server0", "Server2"] {
        balancer.kill_server(other);
        assert_all_there(&balancer.http, &acknowledged).await;
        balancer.all_in_sync().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lost_its_disk_is_copied_to_again() {
    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::configured(data.path(), &QUICK).await;
    assert_eq!(balancer.http.write(0..2000).await.unwrap().0, 200);
    balancer.kill_server("Server0");
    for file in ["data.sqlite", "data.sqlite-wal", "data.sqlite-shm"] {
        let _ = std::fs::remove_file(data.path().join("servers/Server0").join(file));
    }
    until("the loss is noticed", async || balancer.log().contains("FLATLINE").then_some(())).await;
    balancer.all_in_sync().await;
    balancer.kill_server("Server2");
    assert_eq!(balancer.http.keys(0, 12_287).await.len(), 2000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_balancer_finds_its_servers_and_every_write() {
    let data = tempfile::tempdir().unwrap();
    let mut balancer = Balancer::configured(data.path(), &[]).await;
    let names = ["Server0", "Server1", "Server2"];
    let servers = names.map(|name| balancer.server_pid(name));
    let load = Load::start(&balancer.http);
    load.more(300).await;
    balancer.kill();
    let (acknowledged, _) = load.stop().await;
    let again = Balancer::start(data.path(), &[]).await;
    assert_eq!(names.map(|name| again.server_pid(name)), servers, "a second set was started");
    again.all_in_sync().await;
    assert_all_there(&again.http, &acknowledged).await;
    assert_eq!(again.http.write([12_287]).await.unwrap().0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_nobody_is_in_charge_of_end_by_themselves() {
    let data = tempfile::tempdir().unwrap();
    let mut balancer = Balancer::start(data.path(), &["--idle-exit", "1s"]).await;
    balancer.http.post("/add", serde_json::json!({"n": 1, "hostnames": ["S1"]})).await.unwrap();
    let pid = balancer.server_pid("S1").unwrap();
    balancer.kill();
    until("the server ends", async || (!crate::program::is_ours(pid)).then_some(())).await;
}
