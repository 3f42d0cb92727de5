//! What is told about a server stays, whatever becomes of it.

use ringwright_model::Attributes;
use ringwright_replication::{ClusterError, Expansion, Member};

use crate::harness::{Balancer, Faulty, World, insert};

fn attributes(weight: u32, zone: &str) -> Attributes {
    Attributes { weight, labels: [("zone".to_owned(), zone.to_owned())].into() }
}

fn told(balancer: &Balancer, server: &str) -> Attributes {
    Attributes::clone(&balancer.cluster.view().servers[server].attributes())
}

#[tokio::test]
async fn it_is_on_disk_and_goes_to_the_next_balancer() {
    let (mut world, balancer) = World::with(2).await;
    assert_eq!(told(&balancer, "s1"), Attributes::default());
    balancer.cluster.set_attributes("s1", attributes(7, "a")).await.unwrap();
    let s3 = Faulty::start("s3", world.dir.path().to_owned()).await;
    world.servers.insert("s3".into(), s3.clone());
    let member = Member::with_attributes(3, "s3", attributes(0, "c"));
    let servers = vec![balancer.cluster.recruit(member, s3.handle()).await.unwrap()];
    balancer.cluster.expand(Expansion { servers, ..Expansion::default() }).await.unwrap();
    for balancer in [balancer, world.balancer().await] {
        assert_eq!(told(&balancer, "s1"), attributes(7, "a"));
        assert_eq!(told(&balancer, "s2"), Attributes::default());
        assert_eq!(told(&balancer, "s3"), attributes(0, "c"));
    }
}

#[tokio::test]
async fn a_server_that_comes_back_on_another_disk_keeps_it() {
    let (world, balancer) = World::with(2).await;
    balancer.write(vec![insert(1, "a")]).await.unwrap();
    balancer.cluster.set_attributes("s1", attributes(7, "a")).await.unwrap();
    world.server("s1").restart_wiped().await;
    balancer.attach(world.server("s1")).await.unwrap();
    assert_eq!(told(&balancer, "s1"), attributes(7, "a"));
    let stored = world.metadata().await;
    assert_eq!(stored.server("s1").unwrap().attributes, attributes(7, "a"));
}

#[tokio::test]
async fn what_could_not_be_written_down_is_not_told() {
    let (world, old) = World::with(2).await;
    let unknown = old.cluster.set_attributes("s9", attributes(2, "a")).await;
    assert_eq!(unknown, Err(ClusterError::NoServer("s9".into())));
    let new = world.balancer().await;
    assert!(old.cluster.set_attributes("s1", attributes(2, "a")).await.is_err());
    for balancer in [old, new] {
        assert_eq!(told(&balancer, "s1"), Attributes::default());
    }
}
