//! A server is its disk: one that returns with another is never taken for the one that left.

use ringwright_replication::{ClusterError, ReadError, WriteError};

use crate::harness::{Fate, Kind, SHARDS, World, insert, update};

#[tokio::test]
async fn a_server_that_returns_with_an_empty_disk_holds_nothing_until_it_is_copied_to() {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "a"), insert(101, "b")]).await.unwrap();
    let s2 = world.server("s2");
    s2.restart_wiped().await;
    balancer.attach(s2).await.unwrap();
    for shard in SHARDS {
        assert_eq!(balancer.in_sync(shard), ["s1"]);
        assert_eq!(world.in_sync(shard).await, ["s1"]);
    }
    assert_eq!(balancer.all().await, ["a", "b"]);
    for shard in SHARDS {
        balancer.join(shard, s2).await.unwrap();
    }
    balancer.ask_first("s2");
    assert_eq!(balancer.all().await, ["a", "b"]);
    world.assert_agree(&balancer).await;
}

#[tokio::test]
async fn the_next_balancer_knows_which_disk_a_server_had() {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "a"), insert(101, "b")]).await.unwrap();
    world.server("s2").restart_wiped().await;
    let next = world.balancer().await;
    for shard in SHARDS {
        assert_eq!(next.in_sync(shard), ["s1"]);
    }
    assert_eq!(next.all().await, ["a", "b"]);
}

#[tokio::test]
async fn a_server_that_returns_with_an_old_disk_holds_nothing_until_it_is_brought_up_to_date() {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "old"), insert(101, "old")]).await.unwrap();
    let s2 = world.server("s2");
    s2.restart_wiped().await;
    balancer.attach(s2).await.unwrap();
    for shard in SHARDS {
        balancer.join(shard, s2).await.unwrap();
    }
    balancer.write(vec![update(1, "new")]).await.unwrap();
    s2.restart_on(0).await;
    balancer.attach(s2).await.unwrap();
    for shard in SHARDS {
        assert_eq!(balancer.in_sync(shard), ["s1"], "not even what has not changed since");
    }
    for shard in SHARDS {
        balancer.join(shard, s2).await.unwrap();
    }
    balancer.ask_first("s2");
    assert_eq!(balancer.all().await, ["new", "old"]);
    world.assert_agree(&balancer).await;
}

#[tokio::test]
async fn a_read_meant_for_another_disk_is_not_answered_from_this_one() {
    let mut world = World::of(2).await;
    world.settings.min_in_sync = 2;
    let balancer = world.init().await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    // A write that is never committed stays on the disk s2 has now, at term 2.
    world.server("s1").next(Kind::Apply, Fate::LoseRequest);
    balancer.write(vec![update(1, "undone")]).await.unwrap_err();
    let s2 = world.server("s2");
    s2.restart_wiped().await;
    balancer.attach(s2).await.unwrap();
    balancer.join("sh1", s2).await.unwrap();
    balancer.write(vec![update(1, "b")]).await.unwrap();
    assert_eq!(balancer.vat("sh1"), 2);
    // That disk comes back, and nobody is told.
    s2.restart_on(0).await;
    balancer.ask_first("s2");
    assert_eq!(balancer.rows(1, 1).await.unwrap(), ["b"]);
}

#[tokio::test]
async fn a_write_meant_for_another_disk_puts_its_server_out_of_sync() {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    world.server("s2").restart_wiped().await;
    balancer.write(vec![update(1, "b")]).await.unwrap();
    assert_eq!(world.in_sync("sh1").await, ["s1"]);
    balancer.ask_first("s2");
    assert_eq!(balancer.all().await, ["b"]);
}

#[tokio::test]
async fn an_empty_disk_does_not_take_the_place_of_the_last_in_sync() {
    let (world, balancer) = World::with(1).await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    world.server("s1").restart_wiped().await;
    let last = ClusterError::LastDisk { shard: "sh1".into(), server: "s1".into() };
    assert_eq!(balancer.attach(world.server("s1")).await, Err(last));
    assert_eq!(balancer.rows(1, 1).await, Err(ReadError::Unavailable("sh1".into())));
    let refused = WriteError::Unavailable { shard: "sh1".into(), in_sync: 0, needed: 1 };
    assert_eq!(balancer.write(vec![insert(1, "b")]).await, Err(refused));
    // The disk that has it is found again.
    world.server("s1").restart_on(0).await;
    balancer.attach(world.server("s1")).await.unwrap();
    assert_eq!(balancer.all().await, ["a"]);
}

#[tokio::test]
async fn an_empty_disk_holds_a_shard_nobody_has_written_to() {
    let (world, balancer) = World::with(1).await;
    world.server("s1").restart_wiped().await;
    balancer.attach(world.server("s1")).await.unwrap();
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    assert_eq!(balancer.all().await, ["a"]);
}
