//! A replica joins: by what it missed or by a full copy, while everything else goes on.

use ringwright_replication::{ClusterError, Written};
use ringwright_wire::Op;

use crate::harness::{Balancer, Fate, Gate, Kind, World, delete, insert, until, update};

/// Three servers and twenty-two rows, of which s3 has missed one. That the one before it was
/// committed it was not told, since the next write tells.
async fn one_was_away() -> (World, Balancer) {
    let (world, balancer) = World::with(3).await;
    let rows: Vec<Op> = (0..20).map(|key| insert(key, "a")).collect();
    balancer.write(rows).await.unwrap();
    balancer.write(vec![insert(49, "seen")]).await.unwrap();
    balancer.detach(world.server("s3"));
    balancer.write(vec![insert(50, "missed")]).await.unwrap();
    (world, balancer)
}

async fn assert_out_of_sync(world: &World, balancer: &Balancer) {
    assert_eq!(balancer.in_sync("sh1"), ["s1", "s2"]);
    assert_eq!(world.in_sync("sh1").await, ["s1", "s2"]);
}

async fn assert_in_sync(world: &World, balancer: &Balancer) {
    assert_eq!(balancer.in_sync("sh1"), ["s1", "s2", "s3"]);
    assert_eq!(world.in_sync("sh1").await, ["s1", "s2", "s3"]);
    world.assert_agree(balancer).await;
}

#[tokio::test]
async fn a_server_that_kept_its_disk_is_sent_only_what_it_missed() {
    let (world, balancer) = one_was_away().await;
    let s3 = world.server("s3");
    s3.restart().await;
    balancer.attach(s3).await.unwrap();
    assert_out_of_sync(&world, &balancer).await;
    balancer.join("sh1", s3).await.unwrap();
    assert_eq!(s3.imported(), 2);
    assert_in_sync(&world, &balancer).await;
}

#[tokio::test]
async fn a_server_that_kept_its_disk_is_sent_only_what_it_missed_by_the_next_balancer_too() {
    let (world, _) = one_was_away().await;
    let next = world.balancer().await;
    next.join("sh1", world.server("s3")).await.unwrap();
    assert_eq!(world.server("s3").imported(), 2);
    assert_in_sync(&world, &next).await;
}

#[tokio::test]
async fn a_server_with_an_empty_disk_is_sent_everything() {
    let (world, balancer) = one_was_away().await;
    let s3 = world.server("s3");
    s3.restart_wiped().await;
    balancer.attach(s3).await.unwrap();
    balancer.join("sh1", s3).await.unwrap();
    assert_eq!(s3.imported(), 22);
    assert_in_sync(&world, &balancer).await;
}

#[tokio::test]
async fn a_server_that_was_away_for_longer_than_the_history_is_sent_everything() {
    let (world, balancer) = one_was_away().await;
    // What was deleted while it was away is told by nothing but the history.
    balancer.write(vec![delete(0)]).await.unwrap();
    balancer.collect().await;
    let s3 = world.server("s3");
    balancer.attach(s3).await.unwrap();
    balancer.join("sh1", s3).await.unwrap();
    assert_eq!(s3.imported(), 21);
    balancer.ask_first("s3");
    assert_eq!(balancer.rows(0, 0).await.unwrap(), [""; 0]);
    assert_in_sync(&world, &balancer).await;
}

#[tokio::test]
async fn writes_go_on_while_a_replica_is_copied_to() {
    let (world, balancer) = one_was_away().await;
    let s3 = world.server("s3");
    s3.restart_wiped().await;
    balancer.attach(s3).await.unwrap();
    let page = Gate::new();
    s3.next(Kind::Import, Fate::HoldRequest(page.clone()));
    let join = balancer.joining("sh1", s3);
    page.arrived().await;
    balancer.write(vec![insert(60, "new"), update(1, "b"), delete(2)]).await.unwrap();
    balancer.write(vec![delete(60), update(1, "c"), insert(2, "d")]).await.unwrap();
    page.open();
    join.await.unwrap().unwrap();
    assert_in_sync(&world, &balancer).await;
}

#[tokio::test]
async fn what_is_written_after_the_last_page_but_one_is_in_the_last() {
    let (world, balancer) = one_was_away().await;
    let s3 = world.server("s3");
    balancer.attach(s3).await.unwrap();
    // A write in flight keeps the join waiting for the shard, with all else sent.
    let answer = Gate::new();
    world.server("s1").next(Kind::Apply, Fate::HoldAnswer(answer.clone()));
    let write = balancer.writing(vec![update(1, "b")]);
    answer.arrived().await;
    let join = balancer.joining("sh1", s3);
    while s3.imported() == 0 {
        balancer.settled().await;
    }
    answer.open();
    assert_eq!(write.await.unwrap(), Ok(Written::Now));
    join.await.unwrap().unwrap();
    balancer.ask_first("s3");
    assert_eq!(balancer.rows(1, 1).await.unwrap(), ["b"]);
    assert_in_sync(&world, &balancer).await;
}

#[tokio::test]
async fn a_join_at_its_last_step_holds_up_the_writes_of_its_own_shard_only() {
    let (world, balancer) = one_was_away().await;
    let s3 = world.server("s3");
    balancer.attach(s3).await.unwrap();
    let last = Gate::new();
    s3.next(Kind::Assign, Fate::HoldRequest(last.clone()));
    let join = balancer.joining("sh1", s3);
    last.arrived().await;
    let held_up = balancer.writing(vec![update(1, "b")]);
    balancer.settled().await;
    balancer.write(vec![insert(101, "c")]).await.unwrap();
    assert_eq!(balancer.rows(1, 1).await.unwrap(), ["a"], "reads go on");
    assert!(!held_up.is_finished());
    last.open();
    join.await.unwrap().unwrap();
    assert_eq!(held_up.await.unwrap(), Ok(Written::Now));
    assert_in_sync(&world, &balancer).await;
}

#[tokio::test]
async fn a_join_that_loses_a_message_leaves_its_replica_out_of_sync_and_can_be_tried_again() {
    for kind in [Kind::Adopt, Kind::Import, Kind::Assign] {
        for fate in [Fate::LoseRequest, Fate::LoseAnswer] {
            let (world, balancer) = one_was_away().await;
            let s3 = world.server("s3");
            balancer.attach(s3).await.unwrap();
            s3.next(kind, fate);
            let failed = balancer.join("sh1", s3).await.unwrap_err();
            assert!(matches!(failed, ClusterError::Server { .. }), "{kind:?}: {failed}");
            assert_out_of_sync(&world, &balancer).await;
            balancer.write(vec![update(1, "b")]).await.unwrap();
            balancer.join("sh1", s3).await.unwrap();
            assert_in_sync(&world, &balancer).await;
        }
    }
}

#[tokio::test]
async fn a_target_that_crashes_in_a_join_can_join_when_it_returns() {
    let (world, balancer) = one_was_away().await;
    let s3 = world.server("s3");
    s3.restart_wiped().await;
    balancer.attach(s3).await.unwrap();
    let page = Gate::new();
    s3.next(Kind::Import, Fate::HoldAnswer(page.clone()));
    let join = balancer.joining("sh1", s3);
    page.arrived().await;
    s3.crash().await;
    page.open();
    join.await.unwrap().unwrap_err();
    assert_out_of_sync(&world, &balancer).await;
    s3.restart().await;
    balancer.attach(s3).await.unwrap();
    balancer.join("sh1", s3).await.unwrap();
    assert_in_sync(&world, &balancer).await;
}

#[tokio::test]
async fn a_source_that_crashes_in_a_join_is_replaced_by_another_at_the_next() {
    let (world, balancer) = one_was_away().await;
    let (s1, s3) = (world.server("s1"), world.server("s3"));
    balancer.attach(s3).await.unwrap();
    let page = Gate::new();
    s1.next(Kind::Export, Fate::HoldRequest(page.clone()));
    let join = balancer.joining("sh1", s3);
    page.arrived().await;
    s1.crash().await;
    page.open();
    join.await.unwrap().unwrap_err();
    assert_out_of_sync(&world, &balancer).await;
    balancer.join("sh1", s3).await.unwrap();
    assert_eq!(s1.calls(Kind::Export), 1, "it is under suspicion now");
    assert_eq!(world.in_sync("sh1").await, ["s1", "s2", "s3"]);
    s1.restart().await;
    assert_in_sync(&world, &balancer).await;
}

#[tokio::test]
async fn a_join_ends_where_its_source_falls_out_of_sync() {
    let (world, balancer) = one_was_away().await;
    let s3 = world.server("s3");
    balancer.attach(s3).await.unwrap();
    let page = Gate::new();
    s3.next(Kind::Import, Fate::HoldRequest(page.clone()));
    let join = balancer.joining("sh1", s3);
    page.arrived().await;
    world.server("s1").next(Kind::Apply, Fate::LoseRequest);
    balancer.write(vec![update(1, "b")]).await.unwrap();
    page.open();
    let ended = join.await.unwrap();
    assert!(matches!(ended, Err(ClusterError::JoinEnded { .. })), "{ended:?}");
    balancer.join("sh1", s3).await.unwrap();
    assert_eq!(world.in_sync("sh1").await, ["s2", "s3"]);
    world.assert_agree(&balancer).await;
}

#[tokio::test]
async fn a_join_ends_where_its_replica_is_to_go() {
    let (world, balancer) = one_was_away().await;
    let s3 = world.server("s3");
    balancer.attach(s3).await.unwrap();
    let page = Gate::new();
    s3.next(Kind::Import, Fate::HoldRequest(page.clone()));
    let join = balancer.joining("sh1", s3);
    page.arrived().await;
    let ending = async {
        until(|| balancer.cluster.view().shards[0].out_of_sync.is_empty()).await;
        page.open();
        join.await.unwrap()
    };
    let (left, ended) = tokio::join!(balancer.cluster.leave("sh1", "s3"), ending);
    left.unwrap();
    assert!(matches!(ended, Err(ClusterError::JoinEnded { .. })), "{ended:?}");
    let known = world.holdings(&balancer, "s3").await;
    assert!(known.iter().all(|held| held.shard != "sh1"), "{known:?}");
}
