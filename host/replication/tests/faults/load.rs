//! What the cluster says it carries.

use std::time::Duration;

use ringwright_replication::Load;
use ringwright_wire::Volume;

use crate::harness::{Balancer, Fate, Gate, Kind, World, insert, soon};

fn rows(load: &Load, shard: &str) -> Option<u64> {
    load.shards[shard].volume.map(|volume| volume.rows)
}

/// Has the balancer take note of the requests so far, and does no more of its upkeep.
async fn sampled(balancer: &Balancer) {
    let upkeep = tokio::spawn(balancer.cluster.clone().upkeep());
    balancer.settled().await;
    balancer.clock.jump(Duration::from_secs(1));
    balancer.settled().await;
    upkeep.abort();
}

#[tokio::test]
async fn a_shard_is_measured_where_it_is_in_sync() {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "ab"), insert(2, "cd"), insert(100, "é")]).await.unwrap();
    let load = soon(balancer.cluster.load()).await;
    assert_eq!(load.shards["sh1"].volume, Some(Volume { rows: 2, bytes: 8 }));
    assert_eq!(load.shards["sh2"].volume, Some(Volume { rows: 1, bytes: 4 }));
    balancer.detach(world.server("s1"));
    balancer.write(vec![insert(3, "e")]).await.unwrap();
    assert_eq!(rows(&soon(balancer.cluster.load()).await, "sh1"), Some(3), "s1 has only two");
}

#[tokio::test]
async fn what_nobody_answers_is_not_known() {
    let (world, balancer) = World::with(1).await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    world.server("s1").next(Kind::Measure, Fate::LoseAnswer);
    assert_eq!(rows(&soon(balancer.cluster.load()).await, "sh1"), None);
    let slow = Gate::new();
    world.server("s1").next(Kind::Measure, Fate::HoldAnswer(slow.clone()));
    let cluster = balancer.cluster.clone();
    let load = tokio::spawn(async move { cluster.load().await });
    slow.arrived().await;
    balancer.clock.jump(world.settings.write_timeout);
    assert_eq!(rows(&soon(load).await.unwrap(), "sh1"), None);
    balancer.detach(world.server("s1"));
    assert_eq!(rows(&soon(balancer.cluster.load()).await, "sh1"), None);
}

#[tokio::test]
async fn requests_are_counted_by_shard_and_by_server() {
    let (_world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "before")]).await.unwrap();
    let load = soon(balancer.cluster.load()).await;
    assert_eq!(load.shards["sh1"].requests, None, "nobody has looked yet");
    assert!(load.servers.is_empty());
    sampled(&balancer).await;
    balancer.ask_first("s1");
    for key in 2..6 {
        balancer.write(vec![insert(key, "a")]).await.unwrap();
        balancer.rows(key, key).await.unwrap();
        balancer.rows(0, 199).await.unwrap();
    }
    balancer.clock.jump(Duration::from_secs(4));
    let load = soon(balancer.cluster.load()).await;
    // In four seconds and what the test took: 4 writes and 8 reads of sh1, 4 reads of sh2; all
    // reads went to s1, all writes to both.
    let is = |found: Option<f64>, requests: f64| {
        let found = found.unwrap();
        assert!(found > requests / 24.0 && found <= requests / 4.0, "{found} of {requests}");
    };
    is(load.shards["sh1"].requests, 12.0);
    is(load.shards["sh2"].requests, 4.0);
    is(load.servers.get("s1").copied(), 16.0);
    is(load.servers.get("s2").copied(), 4.0);
    let ratio = load.servers["s1"] / load.servers["s2"];
    assert!((ratio - 4.0).abs() < 1e-9, "{ratio}");
    let ratio = load.shards["sh1"].requests.unwrap() / load.shards["sh2"].requests.unwrap();
    assert!((ratio - 3.0).abs() < 1e-9, "{ratio}");
}

#[tokio::test]
async fn a_read_is_under_way_until_its_server_has_answered_or_another_is_asked() {
    let (world, balancer) = World::with(2).await;
    let in_flight = |server: &str| balancer.cluster.view().servers[server].in_flight();
    let slow = Gate::new();
    world.server("s1").next(Kind::Read, Fate::HoldRequest(slow.clone()));
    balancer.ask_first("s1");
    let reader = balancer.clone();
    let read = tokio::spawn(async move { reader.rows(1, 1).await });
    slow.arrived().await;
    assert_eq!((in_flight("s1"), in_flight("s2")), (1, 0));
    let other = Gate::new();
    world.server("s2").next(Kind::Read, Fate::HoldRequest(other.clone()));
    balancer.clock.jump(world.settings.read_timeout);
    other.arrived().await;
    assert_eq!((in_flight("s1"), in_flight("s2")), (0, 1));
    other.open();
    soon(read).await.unwrap().unwrap();
    assert_eq!((in_flight("s1"), in_flight("s2")), (0, 0));
}
