//! The paper's Algorithm 1 as printed, beside ours: the same schedule, another end.

use ringwright_replication::{OpenError, Protocol, WriteError, Written};

use crate::harness::{Balancer, Fate, Gate, Kind, World, insert};

async fn two_servers(protocol: Protocol) -> (World, Balancer) {
    let mut world = World::of(2).await;
    world.settings.protocol = protocol;
    let balancer = world.init().await;
    (world, balancer)
}

/// A read of s1 comes while a write is done there and not committed. The write is acknowledged.
/// What is read of each server after that?
async fn read_meets_write(protocol: Protocol) -> [Vec<String>; 2] {
    let (world, balancer) = two_servers(protocol).await;
    let kind = match protocol {
        Protocol::Safe => Kind::Apply,
        Protocol::Paper => Kind::Paper,
    };
    let answer = Gate::new();
    world.server("s1").next(kind, Fate::HoldAnswer(answer.clone()));
    let write = balancer.writing(vec![insert(1, "a")]);
    answer.arrived().await;
    balancer.ask_first("s1");
    assert!(balancer.all().await.is_empty());
    answer.open();
    assert_eq!(write.await.unwrap(), Ok(Written::Now));
    let first = balancer.all().await;
    balancer.ask_first("s2");
    [first, balancer.all().await]
}

#[tokio::test]
async fn the_papers_algorithm_loses_an_acknowledged_write_to_a_read() {
    let [lost, there] = read_meets_write(Protocol::Paper).await;
    assert!(lost.is_empty());
    assert_eq!(there, ["a"], "and its replicas are apart");
}

#[tokio::test]
async fn ours_keeps_it_under_the_same_schedule() {
    assert_eq!(read_meets_write(Protocol::Safe).await, [["a"], ["a"]]);
}

#[tokio::test]
async fn one_dead_replica_fails_every_write_of_the_paper_and_none_of_ours() {
    for (protocol, done) in [(Protocol::Paper, false), (Protocol::Safe, true)] {
        let (world, balancer) = two_servers(protocol).await;
        world.server("s2").crash().await;
        for key in 1..4 {
            match balancer.write(vec![insert(key, "a")]).await {
                Ok(_) => assert!(done),
                Err(WriteError::Unavailable { .. }) => assert!(!done),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn what_one_protocol_wrote_the_other_does_not_open() {
    for (first, then) in [(Protocol::Safe, Protocol::Paper), (Protocol::Paper, Protocol::Safe)] {
        let (mut world, balancer) = two_servers(first).await;
        balancer.write(vec![insert(1, "a")]).await.unwrap();
        world.settings.protocol = then;
        let refused = world.try_balancer().await.err();
        assert!(matches!(refused, Some(OpenError::Protocol { kept }) if kept == first));
        world.settings.protocol = first;
        assert_eq!(world.balancer().await.all().await, ["a"]);
    }
}
