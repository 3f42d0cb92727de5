//! What was acknowledged is on disk (invariants I1 and I5).

use ringwright_model::Key;
use ringwright_replication::{WriteError, Written};

use crate::harness::{Fate, Found, Gate, Kind, SHARDS, StoreKind, World, insert};

/// A row, as it lies on the disk of each of three servers.
fn on_all(key: Key, row: &str) -> Vec<(String, Found)> {
    ["s1", "s2", "s3"].map(|s| (s.to_owned(), Some(vec![(key, row.to_owned())]))).into()
}

#[tokio::test]
async fn an_acknowledged_write_is_on_every_disk() {
    let (world, balancer) = World::with(3).await;
    balancer.write(vec![insert(1, "a"), insert(101, "b")]).await.unwrap();
    let disks = world.copy_disks();
    assert_eq!((disks.vat("sh1").await, disks.vat("sh2").await), (1, 1));
    assert_eq!(disks.rows("sh1", 1).await, on_all(1, "a"));
    assert_eq!(disks.rows("sh2", 1).await, on_all(101, "b"));
}

#[tokio::test]
async fn a_write_is_nowhere_before_its_vat_is_on_disk() {
    let (world, balancer) = World::with(3).await;
    let commit = Gate::new();
    world.store.next(StoreKind::Apply, Fate::HoldRequest(commit.clone()));
    let write = balancer.writing(vec![insert(1, "a")]);
    commit.arrived().await;
    let disks = world.copy_disks();
    assert_eq!(disks.rows("sh1", 1).await, on_all(1, "a"), "every replica has done it");
    assert_eq!((disks.vat("sh1").await, balancer.vat("sh1")), (0, 0));
    for server in world.servers.keys() {
        balancer.ask_first(server);
        assert!(balancer.all().await.is_empty());
    }
    assert!(!write.is_finished());
    commit.open();
    assert_eq!(write.await.unwrap(), Ok(Written::Now));
    assert_eq!(balancer.all().await, ["a"]);
}

#[tokio::test]
async fn a_write_waits_for_every_replica_in_sync() {
    let (world, balancer) = World::with(3).await;
    let slow = Gate::new();
    world.server("s3").next(Kind::Apply, Fate::HoldRequest(slow.clone()));
    let write = balancer.writing(vec![insert(1, "a")]);
    slow.arrived().await;
    // A write of another shard that begins later is done earlier.
    balancer.write(vec![insert(101, "b")]).await.unwrap();
    assert!(!write.is_finished());
    assert_eq!(world.vat("sh1").await, 0);
    slow.open();
    assert_eq!(write.await.unwrap(), Ok(Written::Now));
    assert_eq!(world.copy_disks().rows("sh1", 1).await, on_all(1, "a"));
}

#[tokio::test]
async fn a_replica_that_missed_a_write_is_out_of_sync_when_the_write_is_acknowledged() {
    for fate in [Fate::LoseRequest, Fate::LoseAnswer] {
        let (world, balancer) = World::with(3).await;
        world.server("s2").next(Kind::Apply, fate);
        balancer.write(vec![insert(1, "a")]).await.unwrap();
        assert_eq!(world.in_sync("sh1").await, ["s1", "s3"]);
        assert_eq!(balancer.in_sync("sh1"), ["s1", "s3"]);
        assert_eq!(world.in_sync("sh2").await.len(), 3, "of the other shard it missed nothing");
    }
}

#[tokio::test]
async fn a_replica_that_takes_too_long_is_out_of_sync() {
    let (world, balancer) = World::with(2).await;
    let slow = Gate::new();
    world.server("s2").next(Kind::Apply, Fate::HoldAnswer(slow.clone()));
    let write = balancer.writing(vec![insert(1, "a")]);
    slow.arrived().await;
    // Whoever else is to answer has the time to.
    balancer.write(vec![insert(101, "b")]).await.unwrap();
    balancer.clock.jump(world.settings.write_timeout);
    assert_eq!(write.await.unwrap(), Ok(Written::Now));
    assert_eq!(world.in_sync("sh1").await, ["s1"]);
}

#[tokio::test]
async fn a_write_that_too_few_replicas_would_hold_is_refused_unwritten() {
    let mut world = World::of(2).await;
    world.settings.min_in_sync = 2;
    let balancer = world.init().await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    balancer.cluster.leave("sh1", "s2").await.unwrap();
    let sent = world.server("s1").calls(Kind::Apply);
    let refused = WriteError::Unavailable { shard: "sh1".into(), in_sync: 1, needed: 2 };
    assert_eq!(balancer.write(vec![insert(2, "b")]).await, Err(refused));
    assert_eq!(world.server("s1").calls(Kind::Apply), sent);
    assert_eq!(balancer.all().await, ["a"], "reads go on");
}

#[tokio::test]
async fn a_write_that_too_few_replicas_took_is_undone() {
    let mut world = World::of(2).await;
    world.settings.min_in_sync = 2;
    let balancer = world.init().await;
    world.server("s2").next(Kind::Apply, Fate::LoseRequest);
    let refused = WriteError::Unavailable { shard: "sh1".into(), in_sync: 1, needed: 2 };
    assert_eq!(balancer.write(vec![insert(1, "a")]).await, Err(refused));
    assert_eq!(world.vat("sh1").await, 0);
    balancer.write(vec![insert(2, "b")]).await.unwrap();
    for server in world.servers.keys() {
        balancer.ask_first(server);
        assert_eq!(balancer.all().await, ["b"]);
    }
    world.assert_agree(&balancer).await;
}

#[tokio::test]
async fn an_acknowledged_write_survives_a_crash_of_everything() {
    let (world, balancer) = World::with(3).await;
    balancer.write(vec![insert(1, "a"), insert(101, "b")]).await.unwrap();
    for server in world.servers.values() {
        server.restart().await;
    }
    let next = world.balancer().await;
    for shard in SHARDS {
        assert_eq!(next.in_sync(shard).len(), 3);
    }
    assert_eq!(next.all().await, ["a", "b"]);
}
