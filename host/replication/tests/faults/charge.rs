//! One balancer at a time: nobody else's reads and writes are answered.

use std::sync::Arc;
use std::time::Duration;

use ringwright_metadata::MetadataStore;
use ringwright_replication::{Charge, Clock, NotInCharge, ReadError, WriteError};
use ringwright_wire::{
    Adopt, Apply, Assign, Collect, Export, Import, PaperOp, PaperStep, Read, ShardServer, Stamp,
    WireError,
};
use tokio::task::JoinHandle;

use crate::harness::{
    Fate, Gate, Kind, StoreKind, TERM, TestClock, World, insert, soon, until, update,
};

/// Somebody who wants the charge and waits for it, with their clock.
fn waiting(world: &World) -> (Arc<TestClock>, JoinHandle<Arc<Charge>>) {
    let clock = Arc::new(TestClock::new());
    let (store, theirs) = (world.store.clone(), clock.clone());
    let take = async move { Charge::take(store, theirs, "next", TERM, false).await.unwrap() };
    (clock, tokio::spawn(take))
}

#[tokio::test]
async fn a_balancer_that_slept_through_its_charge_answers_nothing() {
    let (world, balancer) = World::with(1).await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    let sent = |kind| world.server("s1").calls(kind);
    let before = (sent(Kind::Read), sent(Kind::Apply));
    balancer.clock.jump(TERM);
    assert_eq!(balancer.rows(0, 99).await, Err(ReadError::NotInCharge(NotInCharge)));
    let refused = Err(WriteError::NotInCharge(NotInCharge));
    assert_eq!(balancer.write(vec![insert(2, "b")]).await, refused);
    assert_eq!((sent(Kind::Read), sent(Kind::Apply)), before, "it does not even ask");
}

#[tokio::test]
async fn a_balancer_that_renewed_its_charge_answers() {
    let (_world, balancer) = World::with(1).await;
    for _ in 0..3 {
        balancer.clock.jump(TERM / 2);
        balancer.cluster.charge().renew().await;
    }
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    assert_eq!(balancer.all().await, ["a"]);
}

#[tokio::test]
async fn a_superseded_balancer_reads_nothing_stale() {
    let (world, zombie) = World::with(2).await;
    zombie.write(vec![insert(1, "old")]).await.unwrap();
    let balancer = world.balancer().await;
    balancer.write(vec![update(1, "new")]).await.unwrap();
    for (low, high) in [(1, 1), (0, 99)] {
        assert_eq!(zombie.rows(low, high).await, Err(ReadError::NotInCharge(NotInCharge)));
    }
}

#[tokio::test]
async fn a_superseded_balancer_leaves_nothing_on_any_disk() {
    let (world, zombie) = World::with(2).await;
    let balancer = world.balancer().await;
    let refused = Err(WriteError::NotInCharge(NotInCharge));
    assert_eq!(zombie.write(vec![insert(1, "a")]).await, refused);
    assert!(zombie.cluster.charge().is_lost());
    for (server, rows) in world.copy_disks().rows("sh1", 1).await {
        assert_eq!(rows, None, "{server} was never sent anything of term 1");
    }
    assert!(balancer.all().await.is_empty());
}

#[tokio::test]
async fn a_superseded_balancer_commits_nothing_though_no_server_knows() {
    let (world, zombie) = World::with(1).await;
    let seen = world.store.charge().await.unwrap();
    world.store.take_charge("next", TERM, &seen).await.unwrap();
    let refused = Err(WriteError::NotInCharge(NotInCharge));
    assert_eq!(zombie.write(vec![insert(1, "a")]).await, refused);
    assert_eq!(world.vat("sh1").await, 0);
}

#[tokio::test]
async fn a_server_refuses_whatever_comes_of_an_earlier_epoch() {
    let (world, _) = World::with(1).await;
    let incarnation = world.server("s1").storage().unwrap().incarnation().to_owned();
    let stamp = Stamp { epoch: 1, incarnation };
    world.balancer().await;
    let server = world.server("s1").storage().unwrap();
    let cluster = world.metadata().await.id;
    let shard = || "sh1".to_owned();
    let s = || stamp.clone();
    let export =
        Export { stamp: s(), shard: shard(), after: None, upto: 0, cursor: None, limit: 1 };
    let import = Import {
        stamp: s(),
        shard: shard(),
        join: 1,
        page: 0,
        start: None,
        versions: vec![],
        finish: None,
    };
    let paper = PaperStep { stamp: s(), shard: shard(), vat: 0, op: PaperOp::Read(0, 99) };
    let outcomes = [
        server.adopt(Adopt { epoch: 1, cluster }).await.map(drop),
        server
            .assign(Assign { stamp: s(), number: 1, in_sync: vec![], forget: vec![shard()] })
            .await,
        server.apply(Apply { stamp: s(), batches: vec![] }).await.map(drop),
        server.read(Read { stamp: s(), queries: vec![] }).await.map(drop),
        server.export(export).await.map(drop),
        server.import(import).await,
        server.collect(Collect { stamp: s(), safe_points: vec![] }).await,
        server.paper(paper).await.map(drop),
    ];
    for outcome in outcomes {
        assert_eq!(outcome, Err(WireError::Epoch { current: 2, given: 1 }));
    }
}

#[tokio::test]
async fn the_next_waits_a_whole_term_for_a_silent_holder() {
    let (world, _silent) = World::with(1).await;
    let (clock, next) = waiting(&world);
    until(|| clock.sleepers() == 1).await;
    clock.jump(TERM - Duration::from_secs(100));
    until(|| clock.sleepers() == 1).await;
    assert!(!next.is_finished());
    clock.jump(Duration::from_secs(100));
    assert_eq!(soon(next).await.unwrap().epoch(), 2);
}

#[tokio::test]
async fn the_next_waits_as_long_as_the_holders_charge_lasts() {
    let (world, holder) = World::with(1).await;
    let clock = Arc::new(TestClock::new());
    let (store, theirs) = (world.store.clone(), clock.clone());
    let next =
        tokio::spawn(
            async move { Charge::take(store, theirs, "next", TERM / 4, false).await.unwrap() },
        );
    let most = TERM * 11 / 16; // the holder serves for twelve
    for by in [TERM / 4, most - TERM / 4] {
        until(|| clock.sleepers() == 1).await;
        clock.jump(by);
        holder.clock.jump(by);
        holder.settled().await;
    }
    assert_eq!(holder.cluster.charge().check(), Ok(()));
    assert!(!next.is_finished(), "two serve");
    until(|| clock.sleepers() == 1).await;
    clock.jump(TERM - most);
    let next = soon(next).await.unwrap();
    assert_eq!(next.epoch(), 2);
    assert_eq!(world.store.charge().await.unwrap().term, TERM / 4);
}

#[tokio::test]
async fn a_holder_that_keeps_beating_keeps_the_charge() {
    let (world, holder) = World::with(1).await;
    let (clock, next) = waiting(&world);
    for _ in 0..3 {
        until(|| clock.sleepers() == 1).await;
        holder.cluster.charge().renew().await;
        clock.jump(TERM);
        holder.settled().await;
    }
    until(|| clock.sleepers() == 1).await;
    assert!(!next.is_finished(), "it looked three times, and waits again");
    next.abort();
}

#[tokio::test]
async fn a_holder_that_beats_at_the_last_moment_keeps_the_charge() {
    let (world, holder) = World::with(1).await;
    let (clock, next) = waiting(&world);
    let take = Gate::new();
    world.store.next(StoreKind::TakeCharge, Fate::HoldRequest(take.clone()));
    until(|| clock.sleepers() == 1).await;
    clock.jump(TERM);
    take.arrived().await;
    holder.cluster.charge().renew().await;
    take.open();
    until(|| clock.sleepers() == 1).await;
    assert!(!next.is_finished(), "it waits another term");
    holder.write(vec![insert(1, "a")]).await.unwrap();
    next.abort();
}

#[tokio::test]
async fn a_holder_stops_before_the_next_may_begin() {
    let (world, holder) = World::with(1).await;
    let (clock, next) = waiting(&world);
    until(|| clock.sleepers() == 1).await;
    let most_of_a_term = TERM * 3 / 4;
    clock.jump(most_of_a_term);
    holder.clock.jump(most_of_a_term);
    assert_eq!(holder.cluster.charge().check(), Err(NotInCharge));
    holder.settled().await;
    assert!(!next.is_finished());
    next.abort();
}

#[tokio::test]
async fn a_charge_that_was_given_back_is_taken_at_once() {
    let (world, holder) = World::with(1).await;
    holder.cluster.charge().release().await;
    assert_eq!(holder.rows(0, 99).await, Err(ReadError::NotInCharge(NotInCharge)));
    let (clock, next) = waiting(&world);
    assert_eq!(soon(next).await.unwrap().epoch(), 2);
    assert!(clock.now() < TERM);
}

#[tokio::test]
async fn a_charge_taken_without_an_answer_is_taken_again_in_a_later_epoch() {
    let (world, zombie) = World::with(1).await;
    world.store.next(StoreKind::TakeCharge, Fate::LoseAnswer);
    let balancer = world.balancer().await;
    assert_eq!(balancer.cluster.charge().epoch(), 3);
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    zombie.cluster.charge().renew().await;
    assert!(zombie.cluster.charge().is_lost());
}

#[tokio::test]
async fn a_beat_the_store_did_not_answer_does_not_end_the_charge() {
    let (world, balancer) = World::with(1).await;
    world.store.next(StoreKind::Renew, Fate::LoseRequest);
    balancer.cluster.charge().renew().await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    balancer.clock.jump(TERM * 3 / 4);
    assert_eq!(balancer.cluster.charge().check(), Err(NotInCharge), "nor does it renew it");
}

#[tokio::test]
async fn a_charge_outlives_a_beat_that_is_never_answered() {
    let (world, balancer) = World::with(1).await;
    let (charge, clock) = (balancer.cluster.charge().clone(), balancer.clock.clone());
    let swallowed = Gate::new();
    clock.jump(TERM / 4);
    world.store.next(StoreKind::Renew, Fate::HoldRequest(swallowed.clone()));
    let keeping = tokio::spawn({
        let charge = charge.clone();
        async move { charge.keep().await }
    });
    swallowed.arrived().await;
    // It is given up, and asked for again, all before the charge is over.
    while world.store.calls(StoreKind::Renew) == 1 {
        assert_eq!(charge.check(), Ok(()));
        clock.jump(TERM / 64);
        balancer.settled().await;
    }
    // What was had before is over now: this right is of the second beat, once that is answered.
    clock.jump(TERM * 3 / 16);
    until(|| charge.check().is_ok()).await;
    keeping.abort();
}

#[tokio::test]
async fn a_read_waits_for_a_charge_that_lapsed_and_is_renewed() {
    let mut world = World::of(1).await;
    world.settings.patience = Duration::from_secs(60);
    let balancer = world.init().await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    balancer.clock.jump(TERM * 3 / 4);
    let sent = || world.server("s1").calls(Kind::Read);
    let before = sent();
    let read = tokio::spawn({
        let balancer = balancer.clone();
        async move { balancer.all().await }
    });
    until(|| balancer.clock.sleepers() > 0).await;
    assert_eq!((read.is_finished(), sent()), (false, before), "it does not even ask");
    balancer.cluster.charge().renew().await;
    assert_eq!(soon(read).await.unwrap(), ["a"]);
}

#[tokio::test]
async fn a_store_that_is_away_is_asked_for_the_charge_again() {
    let world = World::of(1).await;
    let (clock, next) = waiting(&world);
    for _ in 0..2 {
        world.store.next(StoreKind::TakeCharge, Fate::LoseRequest);
    }
    until(|| clock.sleepers() == 1).await;
    clock.jump(Duration::from_secs(1));
    assert_eq!(soon(next).await.unwrap().epoch(), 1);
    assert_eq!(world.store.calls(StoreKind::TakeCharge), 3);
}

#[tokio::test]
async fn a_store_that_is_away_twice_with_answers_between_is_not_given_up() {
    let (world, holder) = World::with(1).await;
    let (clock, next) = waiting(&world);
    for _ in 0..2 {
        until(|| clock.sleepers() == 1).await;
        holder.cluster.charge().renew().await;
        world.store.next(StoreKind::Charge, Fate::LoseRequest);
        let before = world.store.calls(StoreKind::Charge);
        clock.jump(TERM);
        // It is asked again after a second.
        until(|| world.store.calls(StoreKind::Charge) > before && clock.sleepers() == 1).await;
        clock.jump(Duration::from_secs(1));
        until(|| world.store.calls(StoreKind::Charge) > before + 1).await;
    }
    holder.settled().await;
    assert!(!next.is_finished(), "it gave up, or took a charge that beats");
    next.abort();
}

#[tokio::test]
async fn a_store_that_stays_away_is_given_up() {
    let world = World::of(1).await;
    for _ in 0..100 {
        world.store.next(StoreKind::TakeCharge, Fate::LoseRequest);
    }
    let clock = Arc::new(TestClock::new());
    let (store, theirs) = (world.store.clone(), clock.clone());
    let take =
        tokio::spawn(async move { Charge::take(store, theirs, "next", TERM, false).await.err() });
    until(|| clock.sleepers() == 1).await;
    clock.jump(Duration::from_secs(60));
    let error = soon(take).await.unwrap().unwrap();
    assert!(error.to_string().contains("no answer"), "{error}");
}
