//! Servers leave, fall away and come: the last copy of a shard never goes, and is never guessed.

use ringwright_model::Shard;
use ringwright_replication::{ClusterError, Expansion, Member, ReadError, WriteError};

use crate::harness::{Balancer, Fate, Faulty, Kind, TERM, World, insert, soon, update};

/// The shards a server's own database knows.
async fn held_by(server: &str, world: &World, balancer: &Balancer) -> Vec<String> {
    world.holdings(balancer, server).await.into_iter().map(|held| held.shard).collect()
}

fn last_replica(server: &str) -> ClusterError {
    ClusterError::LastReplica { shard: "sh1".into(), server: server.into() }
}

#[tokio::test]
async fn a_server_that_is_let_go_is_out_of_sync_with_the_first_write_it_misses() {
    let (world, balancer) = World::with(3).await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    balancer.detach(world.server("s2"));
    assert_eq!(balancer.in_sync("sh1").len(), 3, "so far it has missed nothing");
    balancer.write(vec![update(1, "b")]).await.unwrap();
    assert_eq!(balancer.in_sync("sh1"), ["s1", "s3"]);
    assert_eq!(world.in_sync("sh1").await, ["s1", "s3"]);
    assert_eq!(world.in_sync("sh2").await.len(), 3);
    assert_eq!(balancer.all().await, ["b"]);
}

#[tokio::test]
async fn a_server_that_returns_before_a_write_is_in_sync_as_it_was() {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    let s2 = world.server("s2");
    balancer.detach(s2);
    s2.restart().await;
    balancer.attach(s2).await.unwrap();
    balancer.write(vec![update(1, "b")]).await.unwrap();
    assert_eq!(world.in_sync("sh1").await, ["s1", "s2"]);
    assert_eq!(s2.calls(Kind::Import), 0);
    world.assert_agree(&balancer).await;
}

#[tokio::test]
async fn a_shard_whose_last_replica_is_away_waits_for_it() {
    let (world, balancer) = World::with(2).await;
    let (s1, s2) = (world.server("s1"), world.server("s2"));
    balancer.write(vec![insert(1, "old")]).await.unwrap();
    balancer.detach(s2);
    balancer.write(vec![update(1, "new")]).await.unwrap();
    s1.crash().await;
    balancer.detach(s1);
    assert_eq!(world.in_sync("sh1").await, ["s1"], "it is the last that has everything");
    // The other one comes back, but it fell behind.
    balancer.attach(s2).await.unwrap();
    assert_eq!(balancer.rows(1, 1).await, Err(ReadError::Unavailable("sh1".into())));
    let refused = WriteError::Unavailable { shard: "sh1".into(), in_sync: 0, needed: 1 };
    assert_eq!(balancer.write(vec![insert(2, "b")]).await, Err(refused));
    assert_eq!(balancer.join("sh1", s2).await, Err(ClusterError::NoSource("sh1".into())));
    s1.restart().await;
    balancer.attach(s1).await.unwrap();
    assert_eq!(balancer.all().await, ["new"]);
    balancer.join("sh1", s2).await.unwrap();
    world.assert_agree(&balancer).await;
}

#[tokio::test]
async fn a_read_waits_a_while_for_a_replica_that_is_away() {
    let mut world = World::of(1).await;
    world.settings.patience = TERM;
    let balancer = world.init().await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    balancer.detach(world.server("s1"));
    let read = balancer.reading();
    balancer.settled().await;
    balancer.attach(world.server("s1")).await.unwrap();
    assert_eq!(read.await.unwrap().unwrap(), ["a"]);
}

#[tokio::test]
async fn the_last_replica_may_not_leave() {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    balancer.cluster.leave("sh1", "s2").await.unwrap();
    assert_eq!(balancer.cluster.leave("sh1", "s1").await, Err(last_replica("s1")));
    assert_eq!(world.in_sync("sh1").await, ["s1"]);
    assert_eq!(balancer.all().await, ["a"]);
}

#[tokio::test]
async fn a_replica_whose_only_fellow_is_away_may_not_leave() {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    balancer.detach(world.server("s2"));
    assert_eq!(balancer.cluster.leave("sh1", "s1").await, Err(last_replica("s1")));
}

#[tokio::test]
async fn servers_are_removed_together_or_not_at_all() {
    let (world, balancer) = World::with(3).await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    let names = |n: usize| world.servers.keys().take(n).cloned().collect::<Vec<String>>();
    assert_eq!(balancer.cluster.remove_servers(&names(3)).await, Err(last_replica("s3")));
    assert_eq!(world.metadata().await.servers.len(), 3);
    assert_eq!(world.in_sync("sh1").await.len(), 3);
    balancer.cluster.remove_servers(&names(2)).await.unwrap();
    assert_eq!(world.metadata().await.servers.len(), 1);
    assert_eq!(balancer.in_sync("sh1"), ["s3"]);
    assert_eq!(balancer.all().await, ["a"]);
}

#[tokio::test]
async fn a_replica_that_left_is_forgotten_by_its_server_at_the_latest_when_it_returns() {
    let (world, balancer) = World::with(2).await;
    let s2 = world.server("s2");
    balancer.cluster.leave("sh1", "s2").await.unwrap();
    assert_eq!(held_by("s2", &world, &balancer).await, ["sh2"]);
    s2.next(Kind::Assign, Fate::LoseRequest);
    balancer.cluster.leave("sh2", "s2").await.unwrap();
    assert_eq!(held_by("s2", &world, &balancer).await, ["sh2"]);
    balancer.attach(s2).await.unwrap();
    assert!(held_by("s2", &world, &balancer).await.is_empty());
}

#[tokio::test]
async fn an_expansion_that_a_server_fails_adds_nothing_and_can_be_tried_again() {
    let (mut world, balancer) = World::with(2).await;
    let s3 = Faulty::start("s3", world.dir.path().to_owned()).await;
    world.servers.insert("s3".into(), s3.clone());
    for tried_again in [false, true] {
        if !tried_again {
            s3.next(Kind::Assign, Fate::LoseAnswer);
        }
        let recruit = balancer.cluster.recruit(Member::new(3, "s3"), s3.handle()).await.unwrap();
        let new = Expansion {
            servers: vec![recruit],
            shards: vec![Shard { id: "sh3".into(), low: 200, size: 100, valid_at: 0 }],
            replicas: vec![("sh3".into(), "s1".into()), ("sh3".into(), "s3".into())],
            ..Expansion::default()
        };
        let outcome = balancer.cluster.expand(new).await;
        assert_eq!(outcome.is_ok(), tried_again, "{outcome:?}");
        let metadata = world.metadata().await;
        let (shards, servers) = if tried_again { (3, 3) } else { (2, 2) };
        assert_eq!((metadata.shards.len(), metadata.servers.len()), (shards, servers));
        let view = balancer.cluster.view();
        assert_eq!((view.shards.len(), view.servers.len()), (shards, servers));
        let outcome = balancer.write(vec![insert(200, "a")]).await;
        assert_eq!(outcome.is_ok(), tried_again, "{outcome:?}");
    }
    assert_eq!(world.in_sync("sh3").await, ["s1", "s3"]);
    world.assert_agree(&balancer).await;
}

#[tokio::test]
async fn a_replica_that_is_added_holds_nothing_until_it_has_joined() {
    let (mut world, balancer) = World::with(1).await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    let s2 = Faulty::start("s2", world.dir.path().to_owned()).await;
    world.servers.insert("s2".into(), s2.clone());
    let new = Expansion {
        servers: vec![balancer.cluster.recruit(Member::new(2, "s2"), s2.handle()).await.unwrap()],
        replicas: vec![("sh1".into(), "s2".into())],
        ..Expansion::default()
    };
    balancer.cluster.expand(new).await.unwrap();
    assert_eq!(world.in_sync("sh1").await, ["s1"]);
    balancer.join("sh1", &s2).await.unwrap();
    assert_eq!(world.in_sync("sh1").await, ["s1", "s2"]);
    balancer.detach(world.server("s1"));
    assert_eq!(balancer.rows(1, 1).await.unwrap(), ["a"]);
}

#[tokio::test]
async fn one_database_under_two_names_is_refused() {
    let (world, balancer) = World::with(2).await;
    let same = world.server("s1").handle();
    let refused = soon(balancer.cluster.recruit(Member::new(9, "s9"), same)).await.err();
    let (server, other) = ("s9".to_owned(), "s1".to_owned());
    assert_eq!(refused, Some(ClusterError::SameDatabase { server, other }));
}
