//! Messages that come late change nothing.

use std::sync::Arc;

use ringwright_replication::{Expansion, WriteError};
use ringwright_wire::WireError;

use crate::harness::{Balancer, Fate, Gate, Kind, StoreKind, World, insert, update};

fn stale() -> Result<(), WireError> {
    Err(WireError::Stale { shard: "sh1".into() })
}

/// A row `a`, whose batch is late at s2, which is out of sync for that.
async fn late_batch() -> (World, Balancer, Arc<Gate>) {
    let (world, balancer) = World::with(2).await;
    let late = Gate::new();
    world.server("s2").next(Kind::Apply, Fate::Late(late.clone()));
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    assert_eq!(balancer.in_sync("sh1"), ["s1"]);
    (world, balancer, late)
}

#[tokio::test]
async fn a_late_batch_after_the_next_is_refused() {
    let (world, balancer, late) = late_batch().await;
    balancer.join("sh1", world.server("s2")).await.unwrap();
    balancer.write(vec![update(1, "b")]).await.unwrap();
    assert_eq!(late.deliver().await, stale());
    balancer.ask_first("s2");
    assert_eq!(balancer.all().await, ["b"]);
    world.assert_agree(&balancer).await;
}

#[tokio::test]
async fn a_late_batch_of_the_same_term_is_refused() {
    let mut world = World::of(2).await;
    world.settings.min_in_sync = 2;
    let balancer = world.init().await;
    let late = Gate::new();
    world.server("s2").next(Kind::Apply, Fate::Late(late.clone()));
    let outcome = balancer.write(vec![insert(1, "undone")]).await;
    assert!(matches!(outcome, Err(WriteError::Unavailable { .. })), "{outcome:?}");
    // The next batch gets the term that one did not use.
    let commit = Gate::new();
    world.store.next(StoreKind::Apply, Fate::HoldRequest(commit.clone()));
    let write = balancer.writing(vec![insert(2, "a")]);
    commit.arrived().await;
    assert_eq!(late.deliver().await, stale());
    commit.open();
    write.await.unwrap().unwrap();
    balancer.ask_first("s2");
    assert_eq!(balancer.all().await, ["a"]);
    world.assert_agree(&balancer).await;
}

#[tokio::test]
async fn a_late_batch_of_an_earlier_epoch_is_refused() {
    let (world, _, late) = late_batch().await;
    let next = world.balancer().await;
    assert_eq!(late.deliver().await, Err(WireError::Epoch { current: 2, given: 1 }));
    next.join("sh1", world.server("s2")).await.unwrap();
    world.assert_agree(&next).await;
}

#[tokio::test]
async fn a_late_batch_for_a_server_that_was_replaced_is_refused() {
    let (world, balancer, late) = late_batch().await;
    world.server("s2").restart_wiped().await;
    balancer.attach(world.server("s2")).await.unwrap();
    assert_eq!(late.deliver().await, Err(WireError::Incarnation));
    balancer.join("sh1", world.server("s2")).await.unwrap();
    world.assert_agree(&balancer).await;
}

#[tokio::test]
async fn a_late_read_disturbs_neither_what_is_committed_nor_what_is_in_flight() {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    let (late, commit) = (Gate::new(), Gate::new());
    world.server("s1").next(Kind::Read, Fate::Late(late.clone()));
    balancer.ask_first("s1");
    assert_eq!(balancer.rows(1, 1).await.unwrap(), ["a"]);
    balancer.write(vec![update(1, "b")]).await.unwrap();
    world.store.next(StoreKind::Apply, Fate::HoldRequest(commit.clone()));
    let write = balancer.writing(vec![insert(2, "c")]);
    commit.arrived().await;
    assert_eq!(late.deliver().await, Ok(()), "it is answered, to nobody");
    commit.open();
    write.await.unwrap().unwrap();
    balancer.ask_first("s1");
    assert_eq!(balancer.all().await, ["b", "c"]);
    world.assert_agree(&balancer).await;
}

#[tokio::test]
async fn a_late_page_of_an_attempt_to_join_that_was_given_up_is_refused() {
    let (world, balancer) = World::with(2).await;
    let s2 = world.server("s2");
    s2.next(Kind::Apply, Fate::LoseRequest);
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    let (late, joined) = (Gate::new(), Gate::new());
    s2.next(Kind::Import, Fate::Late(late.clone()));
    balancer.join("sh1", s2).await.unwrap_err();
    balancer.write(vec![update(1, "b")]).await.unwrap();
    s2.next(Kind::Assign, Fate::HoldRequest(joined.clone()));
    let join = balancer.joining("sh1", s2);
    joined.arrived().await;
    assert_eq!(late.deliver().await, stale());
    joined.open();
    join.await.unwrap().unwrap();
    balancer.ask_first("s2");
    assert_eq!(balancer.all().await, ["b"]);
    world.assert_agree(&balancer).await;
}

#[tokio::test]
async fn a_late_page_does_not_take_the_place_of_one_of_the_attempt_under_way() {
    let (world, balancer) = World::with(2).await;
    let s2 = world.server("s2");
    s2.next(Kind::Apply, Fate::LoseRequest);
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    // Of each attempt the first page is held up until there is more to send.
    let (late, pages) = (Gate::new(), [Gate::new(), Gate::new()]);
    s2.next(Kind::Import, Fate::HoldAnswer(pages[0].clone()));
    s2.next(Kind::Import, Fate::Late(late.clone()));
    let given_up = balancer.joining("sh1", s2);
    pages[0].arrived().await;
    balancer.write(vec![update(1, "b")]).await.unwrap();
    pages[0].open();
    given_up.await.unwrap().unwrap_err();
    s2.next(Kind::Import, Fate::HoldAnswer(pages[1].clone()));
    let join = balancer.joining("sh1", s2);
    pages[1].arrived().await;
    balancer.write(vec![update(1, "c")]).await.unwrap();
    assert_eq!(late.deliver().await, stale());
    pages[1].open();
    join.await.unwrap().unwrap();
    balancer.ask_first("s2");
    assert_eq!(balancer.all().await, ["c"]);
    world.assert_agree(&balancer).await;
}

#[tokio::test]
async fn a_late_assignment_does_not_undo_a_batch_in_flight() {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    let s2 = world.server("s2");
    let (late, commit) = (Gate::new(), Gate::new());
    s2.next(Kind::Assign, Fate::Late(late.clone()));
    balancer.attach(s2).await.unwrap_err();
    balancer.attach(s2).await.unwrap();
    world.store.next(StoreKind::Apply, Fate::HoldRequest(commit.clone()));
    let write = balancer.writing(vec![update(1, "b")]);
    commit.arrived().await;
    assert_eq!(late.deliver().await, Ok(()), "it says again what is so");
    commit.open();
    write.await.unwrap().unwrap();
    balancer.ask_first("s2");
    assert_eq!(balancer.all().await, ["b"]);
    world.assert_agree(&balancer).await;
}

#[tokio::test]
async fn a_late_word_to_forget_a_shard_does_not_take_it_from_a_replica_that_is_back() {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    let s2 = world.server("s2");
    let late = Gate::new();
    s2.next(Kind::Assign, Fate::Late(late.clone()));
    balancer.cluster.leave("sh1", "s2").await.unwrap();
    let back = vec![("sh1".into(), "s2".into())];
    let back = Expansion { replicas: back, ..Expansion::default() };
    balancer.cluster.expand(back).await.unwrap();
    balancer.join("sh1", s2).await.unwrap();
    assert_eq!(late.deliver().await, stale());
    balancer.detach(world.server("s1"));
    assert_eq!(balancer.all().await, ["a"]);
}
