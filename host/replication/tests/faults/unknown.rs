//! Outcomes nobody knows: what was not committed is undone, what was is kept.

use ringwright_replication::{WriteError, Written};

use crate::harness::{
    Balancer, Fate, Gate, Kind, StoreKind, TERM, World, delete, insert, until, update,
};

/// Rows `a` and `b`, and a write that changes everything about them, done by every replica and
/// held up before its commit.
async fn before_the_commit() -> (World, Balancer, std::sync::Arc<Gate>) {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "a"), insert(2, "b")]).await.unwrap();
    let commit = Gate::new();
    world.store.next(StoreKind::Apply, Fate::HoldRequest(commit.clone()));
    drop(balancer.writing(vec![update(1, "c"), delete(2), insert(3, "d")]));
    commit.arrived().await;
    (world, balancer, commit)
}

#[tokio::test]
async fn the_next_balancer_never_sees_what_was_not_committed() {
    let (world, _, _) = before_the_commit().await;
    let next = world.balancer().await;
    for server in world.servers.keys() {
        next.ask_first(server);
        assert_eq!(next.all().await, ["a", "b"]);
    }
}

#[tokio::test]
async fn the_next_write_undoes_what_was_not_committed() {
    let (world, zombie, commit) = before_the_commit().await;
    let next = world.balancer().await;
    // Each of these would be refused or wrong if any of it had stayed.
    next.write(vec![insert(3, "e"), delete(1), update(2, "f")]).await.unwrap();
    commit.open();
    until(|| zombie.cluster.charge().is_lost()).await;
    for server in world.servers.keys() {
        next.ask_first(server);
        assert_eq!(next.all().await, ["f", "e"]);
    }
    assert_eq!(world.vat("sh1").await, 2);
    world.assert_agree(&next).await;
}

#[tokio::test]
async fn what_only_one_replica_did_is_undone_too() {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    let (there, not_there) = (Gate::new(), Gate::new());
    world.server("s1").next(Kind::Apply, Fate::HoldAnswer(there.clone()));
    world.server("s2").next(Kind::Apply, Fate::HoldRequest(not_there.clone()));
    drop(balancer.writing(vec![update(1, "b"), insert(2, "c")]));
    there.arrived().await;
    not_there.arrived().await;
    let next = world.balancer().await;
    next.write(vec![insert(2, "d")]).await.unwrap();
    for server in world.servers.keys() {
        next.ask_first(server);
        assert_eq!(next.all().await, ["a", "d"]);
    }
    world.assert_agree(&next).await;
}

#[tokio::test]
async fn a_commit_is_insisted_on_until_the_store_answers() {
    let (world, balancer) = World::with(2).await;
    let before = world.store.calls(StoreKind::Apply);
    world.store.next(StoreKind::Apply, Fate::LoseRequest);
    world.store.next(StoreKind::Apply, Fate::LoseAnswer);
    assert_eq!(balancer.write(vec![insert(1, "a")]).await, Ok(Written::Now));
    assert_eq!(world.store.calls(StoreKind::Apply), before + 3);
    assert_eq!((world.vat("sh1").await, balancer.vat("sh1")), (1, 1));
    assert_eq!(balancer.all().await, ["a"]);
}

#[tokio::test]
async fn a_commit_that_was_made_but_not_heard_of_is_kept_by_the_next_balancer() {
    let (world, balancer) = World::with(2).await;
    let again = Gate::new();
    world.store.next(StoreKind::Apply, Fate::LoseAnswer);
    world.store.next(StoreKind::Apply, Fate::HoldRequest(again.clone()));
    let write = balancer.writing(vec![insert(1, "a")]);
    again.arrived().await;
    let next = world.balancer().await;
    again.open();
    let told = write.await.unwrap().unwrap_err();
    assert!(matches!(told, WriteError::Unknown(_)), "it was done: {told:?}");
    assert!(told.to_string().contains("unknown"), "{told}");
    assert_eq!(next.all().await, ["a"]);
    next.write(vec![update(1, "b")]).await.unwrap();
    assert_eq!(next.all().await, ["b"]);
}

#[tokio::test]
async fn what_follows_a_commit_nobody_heard_of_undoes_nothing() {
    let (world, balancer) = World::with(2).await;
    let again = Gate::new();
    world.store.next(StoreKind::Apply, Fate::LoseAnswer);
    world.store.next(StoreKind::Apply, Fate::HoldRequest(again.clone()));
    let write = balancer.writing(vec![insert(1, "a")]);
    again.arrived().await;
    let behind = balancer.writing(vec![insert(2, "b")]);
    world.take_charge().await;
    again.open();
    assert!(matches!(write.await.unwrap(), Err(WriteError::Unknown(_))));
    // No server has been adopted by another yet: each would do as it is told, and undo the first.
    assert!(matches!(behind.await.unwrap(), Err(WriteError::NotInCharge(_))));
    assert!(balancer.attach(world.server("s1")).await.is_err());
    let next = world.balancer().await;
    for server in world.servers.keys() {
        next.ask_first(server);
        assert_eq!(next.all().await, ["a"]);
    }
    world.assert_agree(&next).await;
}

#[tokio::test]
async fn a_write_is_done_though_its_client_has_gone() {
    let (world, balancer) = World::with(2).await;
    let commit = Gate::new();
    world.store.next(StoreKind::Apply, Fate::HoldRequest(commit.clone()));
    let write = balancer.writing(vec![insert(1, "a")]);
    commit.arrived().await;
    write.abort();
    commit.open();
    until(|| balancer.vat("sh1") == 1).await;
    assert_eq!(balancer.all().await, ["a"]);
}

#[tokio::test]
async fn a_commit_that_the_store_swallowed_is_asked_for_again() {
    let (world, balancer) = World::with(2).await;
    let before = world.store.calls(StoreKind::Apply);
    let swallowed = Gate::new();
    world.store.next(StoreKind::Apply, Fate::HoldRequest(swallowed.clone()));
    let write = balancer.writing(vec![insert(1, "a")]);
    swallowed.arrived().await;
    balancer.clock.jump(TERM / 4);
    assert_eq!(write.await.unwrap(), Ok(Written::Now));
    assert_eq!(world.store.calls(StoreKind::Apply), before + 2);
    assert_eq!(balancer.all().await, ["a"]);
}
