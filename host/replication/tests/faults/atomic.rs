//! A request is done whole or not at all, over all its shards (invariant I2).

use ringwright_replication::{NotInCharge, WriteError, Written};
use ringwright_wire::{Refusal, RefusalReason};

use crate::harness::{Fate, Gate, Kind, StoreKind, World, insert, update};

fn exists(key: i64) -> WriteError {
    WriteError::Refused(Refusal { key, reason: RefusalReason::Exists })
}

#[tokio::test]
async fn a_request_over_two_shards_is_seen_whole_or_not_at_all() {
    let (world, balancer) = World::with(2).await;
    let commit = Gate::new();
    world.store.next(StoreKind::Apply, Fate::HoldRequest(commit.clone()));
    let write = balancer.writing(vec![insert(1, "a"), insert(101, "b")]);
    commit.arrived().await;
    assert!(balancer.all().await.is_empty());
    commit.open();
    assert_eq!(write.await.unwrap(), Ok(Written::Now));
    assert_eq!(balancer.all().await, ["a", "b"]);
}

#[tokio::test]
async fn readers_see_two_shards_change_at_once() {
    let (_world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "0"), insert(101, "0")]).await.unwrap();
    let writer = balancer.clone();
    let writes = tokio::spawn(async move {
        for n in 1..=30 {
            let row = n.to_string();
            writer.write(vec![update(1, &row), update(101, &row)]).await.unwrap();
        }
    });
    while !writes.is_finished() {
        let rows = balancer.all().await;
        assert_eq!(rows[0], rows[1]);
    }
    writes.await.unwrap();
}

#[tokio::test]
async fn a_request_that_one_shard_cannot_take_is_done_on_none() {
    let (world, balancer) = World::with(3).await;
    for server in ["s1", "s2"] {
        balancer.cluster.leave("sh2", server).await.unwrap();
    }
    world.server("s3").next(Kind::Apply, Fate::LoseRequest);
    let outcome = balancer.write(vec![insert(1, "a"), insert(101, "b")]).await;
    let refused = WriteError::Unavailable { shard: "sh2".into(), in_sync: 0, needed: 1 };
    assert_eq!(outcome, Err(refused));
    assert_eq!((world.vat("sh1").await, world.vat("sh2").await), (0, 0));
    // The next request finds the shard that did take it as it was before.
    balancer.write(vec![insert(2, "c"), insert(101, "d")]).await.unwrap();
    for server in world.servers.keys() {
        balancer.ask_first(server);
        assert_eq!(balancer.all().await, ["c", "d"]);
    }
    world.assert_agree(&balancer).await;
}

#[tokio::test]
async fn a_request_refused_on_one_shard_takes_nothing_else_of_its_batch_along() {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(101, "x")]).await.unwrap();
    // Two requests become one batch behind a write that holds both shards.
    let commit = Gate::new();
    world.store.next(StoreKind::Apply, Fate::HoldRequest(commit.clone()));
    let before = balancer.writing(vec![insert(1, "before"), insert(102, "before")]);
    commit.arrived().await;
    let sent = world.server("s1").calls(Kind::Apply);
    let refused = balancer.writing(vec![insert(2, "refused"), insert(101, "refused")]);
    let good = balancer.writing(vec![insert(3, "good")]);
    balancer.settled().await;
    commit.open();
    assert_eq!(before.await.unwrap(), Ok(Written::Now));
    assert_eq!(refused.await.unwrap(), Err(exists(101)));
    assert_eq!(good.await.unwrap(), Ok(Written::Now));
    assert_eq!(balancer.all().await, ["before", "good", "x", "before"]);
    assert_eq!(balancer.vat("sh1"), 2, "one batch, one term");
    assert_eq!(world.server("s1").calls(Kind::Apply), sent + 2, "in two rounds");
    world.assert_agree(&balancer).await;
}

#[tokio::test]
async fn a_refusal_names_the_lowest_key_of_all_shards() {
    let (_world, balancer) = World::with(2).await;
    balancer.write(vec![insert(7, "a"), insert(101, "b")]).await.unwrap();
    let outcome = balancer.write(vec![insert(101, "c"), insert(7, "d"), insert(3, "e")]).await;
    assert_eq!(outcome, Err(exists(7)));
    assert_eq!(balancer.all().await, ["a", "b"]);
}

#[tokio::test]
async fn a_crash_between_the_replicas_and_the_commit_leaves_nothing_on_any_shard() {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "a"), insert(101, "b")]).await.unwrap();
    let commit = Gate::new();
    world.store.next(StoreKind::Apply, Fate::HoldRequest(commit.clone()));
    let write = balancer.writing(vec![update(1, "c"), update(101, "d")]);
    commit.arrived().await;
    let next = world.balancer().await;
    commit.open();
    assert_eq!(write.await.unwrap(), Err(WriteError::NotInCharge(NotInCharge)));
    for server in world.servers.keys() {
        next.ask_first(server);
        assert_eq!(next.all().await, ["a", "b"]);
    }
    assert_eq!((world.vat("sh1").await, world.vat("sh2").await), (1, 1));
}
