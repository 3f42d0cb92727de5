//! Reads are one snapshot, and neither wait for writes nor disturb them (invariant I3).

use std::time::Duration;

use ringwright_replication::{NotInCharge, ReadError, Written};
use ringwright_wire::{Collect, ShardServer};

use crate::harness::{Fate, Gate, Kind, TERM, World, insert, soon, update};

#[tokio::test]
async fn a_read_beside_a_write_sees_the_old_row_and_leaves_the_write_be() {
    let (world, balancer) = World::with(3).await;
    balancer.write(vec![insert(1, "old")]).await.unwrap();
    let answers = Gate::new();
    for server in world.servers.values() {
        server.next(Kind::Apply, Fate::HoldAnswer(answers.clone()));
    }
    let write = balancer.writing(vec![update(1, "new")]);
    for server in world.servers.keys() {
        answers.arrived().await;
        balancer.ask_first(server);
        assert_eq!(balancer.all().await, ["old"]);
    }
    answers.open();
    assert_eq!(write.await.unwrap(), Ok(Written::Now));
    for server in world.servers.keys() {
        balancer.ask_first(server);
        assert_eq!(balancer.all().await, ["new"]);
    }
}

#[tokio::test]
async fn a_read_is_answered_by_the_next_replica_where_one_fails() {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    world.server("s1").crash().await;
    balancer.ask_first("s1");
    assert_eq!(balancer.rows(1, 1).await.unwrap(), ["a"]);
    assert_eq!(world.server("s1").calls(Kind::Read), 1);
    for _ in 0..10 {
        assert_eq!(balancer.rows(1, 1).await.unwrap(), ["a"]);
    }
    assert_eq!(world.server("s1").calls(Kind::Read), 1, "from then on it is asked last");
}

#[tokio::test]
async fn a_read_is_answered_by_the_next_replica_where_one_is_too_slow() {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    let slow = Gate::new();
    world.server("s1").next(Kind::Read, Fate::HoldRequest(slow.clone()));
    balancer.ask_first("s1");
    let reader = balancer.clone();
    let read = tokio::spawn(async move { reader.rows(1, 1).await });
    slow.arrived().await;
    balancer.clock.jump(world.settings.read_timeout);
    assert_eq!(soon(read).await.unwrap().unwrap(), ["a"]);
}

#[tokio::test]
async fn a_read_over_two_shards_is_one_snapshot_however_long_it_takes() {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "a"), insert(101, "b")]).await.unwrap();
    let slow = Gate::new();
    balancer.ask_first("s1");
    world.server("s1").next(Kind::Read, Fate::Slow(Duration::ZERO, Duration::ZERO));
    world.server("s1").next(Kind::Read, Fate::HoldRequest(slow.clone()));
    let read = balancer.reading();
    slow.arrived().await;
    balancer.write(vec![update(1, "c"), update(101, "d")]).await.unwrap();
    slow.open();
    assert_eq!(soon(read).await.unwrap().unwrap(), ["a", "b"]);
    assert_eq!(balancer.all().await, ["c", "d"]);
}

#[tokio::test]
async fn what_a_read_still_needs_is_not_collected() {
    let mut world = World::of(1).await;
    world.settings.write_timeout = TERM; // below, more time passes than a read is given
    let balancer = world.init().await;
    balancer.write(vec![insert(1, "old")]).await.unwrap();
    let slow = Gate::new();
    world.server("s1").next(Kind::Read, Fate::HoldRequest(slow.clone()));
    let read = balancer.reading();
    slow.arrived().await;
    balancer.write(vec![update(1, "new")]).await.unwrap();
    balancer.write(vec![insert(2, "more")]).await.unwrap(); // tells of the one before
    balancer.collect().await;
    slow.open();
    assert_eq!(soon(read).await.unwrap().unwrap(), ["old"]);
}

#[tokio::test]
async fn a_server_that_hangs_does_not_keep_the_garbage_of_others() {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "old")]).await.unwrap();
    balancer.write(vec![update(1, "new")]).await.unwrap();
    balancer.collect().await;
    let hung = Gate::new();
    world.server("s1").next(Kind::Collect, Fate::HoldRequest(hung.clone()));
    let before = world.server("s2").calls(Kind::Collect);
    let cluster = balancer.cluster.clone();
    let collecting = tokio::spawn(async move { cluster.collect().await });
    hung.arrived().await;
    balancer.clock.jump(world.settings.write_timeout);
    soon(collecting).await.unwrap();
    assert_eq!(world.server("s2").calls(Kind::Collect), before + 1);
}

#[tokio::test]
async fn a_read_below_the_safe_point_is_asked_again_with_a_fresh_view() {
    let mut world = World::of(1).await;
    world.settings.patience = TERM;
    let balancer = world.init().await;
    balancer.write(vec![insert(1, "old")]).await.unwrap();
    let slow = Gate::new();
    world.server("s1").next(Kind::Read, Fate::HoldRequest(slow.clone()));
    let read = balancer.reading();
    slow.arrived().await;
    balancer.write(vec![update(1, "new")]).await.unwrap();
    balancer.write(vec![insert(2, "more")]).await.unwrap();
    let server = world.server("s1").storage().unwrap();
    let stamp = balancer.cluster.view().servers["s1"].link().unwrap().stamp.clone();
    server.collect(Collect { stamp, safe_points: vec![("sh1".into(), 2)] }).await.unwrap();
    slow.open();
    assert_eq!(soon(read).await.unwrap().unwrap(), ["new", "more"]);
}

#[tokio::test]
async fn an_answer_that_comes_after_the_charge_ended_is_not_given() {
    let (world, balancer) = World::with(1).await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    let slow = Gate::new();
    for _ in 0..2 {
        world.server("s1").next(Kind::Read, Fate::HoldAnswer(slow.clone()));
    }
    let read = balancer.reading();
    slow.arrived().await;
    slow.arrived().await;
    // The good answer and the end of the charge are there together.
    slow.open();
    balancer.clock.jump(TERM);
    assert_eq!(soon(read).await.unwrap(), Err(ReadError::NotInCharge(NotInCharge)));
}
