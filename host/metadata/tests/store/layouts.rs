//! Databases that are new, of an older layout, or of a newer one.

use std::time::Duration;

use ringwright_metadata::{Change, MetadataError, MetadataStore};
use ringwright_model::{Attributes, Choice, ReplicaState};
use tokio::task::JoinSet;

use crate::home::*;

/// The statements that a file of layout 1 was made with.
const LAYOUT_1: &str = include_str!("layout-1.sql");

const CONTENT: &str = "
    INSERT INTO configuration VALUES (1, 'c0ffee', 'safe', NULL, 'range', 'md5', NULL);
    INSERT INTO shard_t VALUES (1, 's1', 0, 4096, 7);
    INSERT INTO server VALUES (1, 1, 'a', 'a1'), (2, 2, 'b', NULL);
    INSERT INTO map_t VALUES ('s1', 'a', 'in_sync');
    INSERT INTO ring VALUES (5, 0, 'a');
    UPDATE charge SET epoch = 3;
";

async fn old(home: &Home) {
    home.sql(LAYOUT_1).await;
    home.sql(CONTENT).await;
}

pub async fn a_file_of_the_first_layout_is_brought_up_with_all_that_is_in_it(home: Home) {
    old(&home).await;
    let store = home.open().await;
    let config = store.load().await.unwrap();
    assert_eq!(config.id, "c0ffee");
    assert_eq!(config.servers, [server(1, "a", Some("a1")), server(2, "b", None)]);
    assert_eq!(config.shards, [shard("s1", 0, 7)]);
    assert_eq!(config.replicas[0].state, ReplicaState::InSync);
    assert_eq!(config.hash_plugin, Some(Choice::new("md5", "")), "only its name was kept");
    assert_eq!(config.placement_plugin, None);
    assert_eq!(store.ring().await.unwrap().len(), 1);
    assert_eq!(take(&store, "me").await, 4);

    let attributes = Attributes { weight: 0, labels: [("zone".into(), "x".into())].into() };
    let tell = Change::Attributes { server: "b".into(), attributes: attributes.clone() };
    store.apply(4, &[tell]).await.unwrap();
    store.close().await;
    let config = home.open().await.load().await.unwrap();
    assert_eq!(config.server("b").unwrap().attributes, attributes, "and is not brought up twice");
    assert_eq!(config.hash_plugin, Some(Choice::new("md5", "")));
}

pub async fn two_that_find_an_old_file_bring_it_up_once(home: Home) {
    old(&home).await;
    let (one, other) = tokio::join!(home.open(), home.open());
    assert_eq!(one.load().await.unwrap(), other.load().await.unwrap());
}

pub async fn several_that_find_the_same_new_database_all_open_it(home: Home) {
    let mut opening = JoinSet::new();
    for _ in 0..8 {
        let home = home.clone();
        opening.spawn(async move { home.open().await.load().await.unwrap().id });
    }
    let mut ids = opening.join_all().await;
    ids.dedup();
    assert_eq!(ids.len(), 1, "each cluster has one id: {ids:?}");
}

pub async fn a_charge_of_the_second_layout_has_a_term_nobody_knows(home: Home) {
    let store = small(&home).await;
    store.close().await;
    home.sql("DROP TABLE event").await;
    home.sql("ALTER TABLE charge DROP COLUMN term_ms").await;
    home.set_layout(2).await;
    let store = home.open().await;
    let charge = store.charge().await.unwrap();
    assert_eq!((charge.holder.as_str(), charge.term), ("me", Duration::ZERO));
    take(&store, "next").await;
    assert_eq!(store.charge().await.unwrap().term, TERM);
    store.close().await;
    assert_eq!(home.open().await.charge().await.unwrap().term, TERM, "nor is it brought up twice");
}

pub async fn a_database_of_the_layout_before_the_last_gets_a_log_of_events(home: Home) {
    small(&home).await.close().await;
    home.sql("DROP TABLE event").await;
    home.set_layout(3).await;
    let store = home.open().await;
    assert_eq!(store.events(0, 10).await.unwrap(), []);
    store.keep_events(&[event(1)]).await.unwrap();
    store.close().await;
    let store = home.open().await;
    assert_eq!(store.events(0, 10).await.unwrap(), [event(1)], "nor is it brought up twice");
    assert_eq!(store.load().await.unwrap().shards.len(), 2);
}

pub async fn the_database_of_a_newer_version_is_left_alone(home: Home) {
    small(&home).await.close().await;
    home.set_layout(5).await;
    let error = home.try_open().await.unwrap_err();
    assert!(matches!(&error, MetadataError::Corrupt(text) if text.contains("newer")), "{error}");
    home.set_layout(4).await;
    assert_eq!(home.open().await.load().await.unwrap().shards.len(), 2);
}
