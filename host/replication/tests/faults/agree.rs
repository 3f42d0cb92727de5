//! Replicas in sync answer alike for every VAT, and one that does not is found out (I4).

use ringwright_replication::{WriteError, Written};
use ringwright_wire::{Refusal, RefusalReason};

use crate::harness::{Balancer, Fate, Kind, World, delete, insert, update};

/// Three servers, one of which has answered a write of two rows well and not done it.
async fn lied_to_by(liar: &str) -> (World, Balancer) {
    let (world, balancer) = World::with(3).await;
    world.server(liar).skip_next_apply();
    balancer.write(vec![insert(1, "a"), insert(2, "b")]).await.unwrap();
    assert_eq!(balancer.in_sync("sh1").len(), 3, "nobody knows yet");
    (world, balancer)
}

fn all_but(liar: &str) -> Vec<&str> {
    ["s1", "s2", "s3"].into_iter().filter(|s| *s != liar).collect()
}

#[tokio::test]
async fn replicas_agree_after_losses_and_retries() {
    let (world, balancer) = World::with(3).await;
    balancer.write(vec![insert(1, "a"), insert(2, "b"), insert(101, "c")]).await.unwrap();
    let faults = [
        ("s3", Fate::LoseRequest, vec![update(1, "d"), delete(101)]),
        ("s2", Fate::LoseAnswer, vec![delete(2), insert(102, "e")]),
        ("s1", Fate::LoseAnswer, vec![insert(2, "f"), update(102, "g")]),
    ];
    for (server, fate, ops) in faults {
        world.server(server).next(Kind::Apply, fate);
        balancer.write(ops).await.unwrap();
        for shard in ["sh1", "sh2"] {
            assert!(!balancer.in_sync(shard).contains(&server.to_owned()));
            balancer.join(shard, world.server(server)).await.unwrap();
        }
        world.assert_agree(&balancer).await;
    }
    for server in world.servers.keys() {
        balancer.ask_first(server);
        assert_eq!(balancer.all().await, ["d", "f", "g"]);
    }
}

#[tokio::test]
async fn a_replica_that_answers_unlike_the_others_is_no_longer_in_sync() {
    for liar in ["s1", "s2", "s3"] {
        let (world, balancer) = lied_to_by(liar).await;
        let tells = balancer.write(vec![update(1, "c")]).await;
        assert_eq!(tells, Ok(Written::Now), "most replicas have the row");
        assert_eq!(balancer.in_sync("sh1"), all_but(liar));
        assert_eq!(world.in_sync("sh1").await, all_but(liar));
        world.assert_agree(&balancer).await;
    }
}

#[tokio::test]
async fn a_replica_that_alone_would_take_a_write_is_no_longer_in_sync() {
    for liar in ["s1", "s2", "s3"] {
        let (world, balancer) = lied_to_by(liar).await;
        let refusal = Refusal { key: 1, reason: RefusalReason::Exists };
        let tells = balancer.write(vec![insert(1, "c")]).await;
        assert_eq!(tells, Err(WriteError::Refused(refusal)), "most replicas have the row");
        assert_eq!(balancer.in_sync("sh1"), all_but(liar));
        assert_eq!(world.in_sync("sh1").await, all_but(liar));
        assert_eq!((world.vat("sh1").await, balancer.vat("sh1")), (1, 1));
        world.assert_agree(&balancer).await;
    }
}

#[tokio::test]
async fn a_replica_that_lied_gets_a_full_copy() {
    let (world, balancer) = lied_to_by("s3").await;
    balancer.write(vec![update(1, "c")]).await.unwrap();
    balancer.join("sh1", world.server("s3")).await.unwrap();
    assert_eq!(world.server("s3").imported(), 2, "both rows, though one was not touched since");
    balancer.ask_first("s3");
    assert_eq!(balancer.all().await, ["c", "b"]);
    world.assert_agree(&balancer).await;
}

#[tokio::test]
async fn the_next_balancer_knows_that_a_replica_lied() {
    let (world, balancer) = lied_to_by("s3").await;
    balancer.write(vec![update(1, "c")]).await.unwrap();
    let next = world.balancer().await;
    next.join("sh1", world.server("s3")).await.unwrap();
    assert_eq!(world.server("s3").imported(), 2, "both rows, though one was not touched since");
    world.assert_agree(&next).await;
}

#[tokio::test]
async fn a_replica_that_lied_and_was_copied_is_built_upon_again() {
    let (world, balancer) = lied_to_by("s3").await;
    let liar = world.server("s3");
    balancer.write(vec![update(1, "c")]).await.unwrap();
    balancer.join("sh1", liar).await.unwrap();
    balancer.detach(liar);
    balancer.write(vec![update(2, "d")]).await.unwrap();
    balancer.attach(liar).await.unwrap();
    let before = liar.imported();
    balancer.join("sh1", liar).await.unwrap();
    // The new version of the row and the end of the old one.
    assert_eq!(liar.imported() - before, 2);
    world.assert_agree(&balancer).await;
}
