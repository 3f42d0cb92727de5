//! A request with an idempotency key is done once, however often it is sent.

use ringwright_replication::{NotInCharge, WriteError, Written};

use crate::harness::{Fate, Gate, StoreKind, World, delete, insert, update};

fn before() -> Result<Written, WriteError> {
    Ok(Written::Before("answer to request".into()))
}

#[tokio::test]
async fn a_repeat_is_answered_as_the_first_time_and_done_once() {
    let (_world, balancer) = World::with(2).await;
    let send = || balancer.once("key", "request", vec![insert(1, "a")]);
    assert_eq!(send().await, Ok(Written::Now));
    balancer.write(vec![update(1, "b")]).await.unwrap();
    assert_eq!(send().await, before());
    assert_eq!(balancer.all().await, ["b"]);
    assert_eq!(balancer.vat("sh1"), 2);
}

#[tokio::test]
async fn a_repeat_is_known_to_the_next_balancer() {
    let (world, balancer) = World::with(2).await;
    let ops = || vec![insert(1, "a")];
    assert_eq!(balancer.once("key", "request", ops()).await, Ok(Written::Now));
    let next = world.balancer().await;
    assert_eq!(next.once("key", "request", ops()).await, before());
}

#[tokio::test]
async fn two_at_once_are_done_once() {
    let (_world, balancer) = World::with(2).await;
    let send = || balancer.once("key", "request", vec![insert(1, "a")]);
    let (first, second) = tokio::join!(send(), send());
    assert_eq!((first, second), (Ok(Written::Now), before()));
    assert_eq!(balancer.vat("sh1"), 1);
}

#[tokio::test]
async fn a_repeat_after_its_client_hung_up_waits_for_the_first() {
    let (world, balancer) = World::with(2).await;
    let send = || balancer.once("key", "request", vec![insert(1, "a")]);
    let commit = Gate::new();
    world.store.next(StoreKind::Apply, Fate::HoldRequest(commit.clone()));
    tokio::select! {
        outcome = send() => panic!("{outcome:?}"),
        () = commit.arrived() => {}
    }
    let open = async {
        balancer.settled().await;
        commit.open();
    };
    let (repeat, ()) = tokio::join!(send(), open);
    assert_eq!(repeat, before());
}

#[tokio::test]
async fn a_key_is_refused_for_another_request() {
    let (_world, balancer) = World::with(2).await;
    balancer.once("key", "request", vec![insert(1, "a")]).await.unwrap();
    let other = balancer.once("key", "another", vec![insert(2, "b")]).await;
    assert_eq!(other, Err(WriteError::KeyReused));
    assert_eq!(balancer.all().await, ["a"]);
}

#[tokio::test]
async fn the_key_of_a_refused_request_is_not_kept() {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    let send = || balancer.once("key", "request", vec![insert(1, "b")]);
    // It is one batch with a request that is done.
    let commit = Gate::new();
    world.store.next(StoreKind::Apply, Fate::HoldRequest(commit.clone()));
    let before = balancer.writing(vec![insert(2, "c")]);
    commit.arrived().await;
    let beside = async {
        let beside = balancer.writing(vec![insert(3, "d")]);
        balancer.settled().await;
        commit.open();
        beside.await.unwrap()
    };
    let (refused, done) = tokio::join!(send(), beside);
    assert!(matches!(refused, Err(WriteError::Refused(_))), "{refused:?}");
    assert_eq!((before.await.unwrap(), done), (Ok(Written::Now), Ok(Written::Now)));
    assert_eq!(balancer.vat("sh1"), 3);
    balancer.write(vec![delete(1)]).await.unwrap();
    assert_eq!(send().await, Ok(Written::Now));
    assert_eq!(balancer.all().await, ["b", "c", "d"]);
}

#[tokio::test]
async fn a_repeat_tells_whether_a_write_of_unknown_outcome_was_done() {
    for done in [false, true] {
        let (world, balancer) = World::with(2).await;
        let commit = Gate::new();
        if done {
            world.store.next(StoreKind::Apply, Fate::LoseAnswer);
        }
        world.store.next(StoreKind::Apply, Fate::HoldRequest(commit.clone()));
        let ops = || vec![insert(1, "a")];
        let supersede = async {
            commit.arrived().await;
            let next = world.balancer().await;
            commit.open();
            next
        };
        let (unknown, next) = tokio::join!(balancer.once("key", "request", ops()), supersede);
        // An attempt that was not answered may have been made; one that was refused was not.
        let unheard = matches!(unknown, Err(WriteError::Unknown(_)));
        assert_eq!(unheard, done, "{unknown:?}");
        assert!(done || unknown == Err(WriteError::NotInCharge(NotInCharge)), "{unknown:?}");
        let expected = if done { before() } else { Ok(Written::Now) };
        assert_eq!(next.once("key", "request", ops()).await, expected);
        assert_eq!(next.all().await, ["a"]);
    }
}
