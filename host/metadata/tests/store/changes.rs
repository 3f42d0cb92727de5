//! What each change does, and what it refuses.

use ringwright_metadata::{Change, MetadataError, MetadataStore, RingPoint, SqlStore};
use ringwright_model::{
    Attributes, Choice, ClusterConfig, Dtype, NEVER, Protocol, Replica, ReplicaState, Schema,
    Server, Shard, Sharding,
};

use crate::home::*;

fn attributes(weight: u32, key: &str, value: &str) -> Attributes {
    Attributes { weight, labels: [(key.to_owned(), value.to_owned())].into() }
}

fn tell(server: &str, weight: u32, key: &str, value: &str) -> Change {
    Change::Attributes { server: server.into(), attributes: attributes(weight, key, value) }
}

/// Applies and expects a refusal that changed nothing; returns its words.
async fn refusal(store: &SqlStore, changes: &[Change]) -> String {
    let before = store.load().await.unwrap();
    // A good change before the bad one must not stay.
    let mut all = vec![raise("s1", 1000), Change::HashPlugin(Choice::new("unseen", ""))];
    all.extend_from_slice(changes);
    let MetadataError::Corrupt(text) = store.apply(1, &all).await.unwrap_err() else {
        panic!("not refused as impossible: {changes:?}");
    };
    assert_eq!(store.load().await.unwrap(), before, "{changes:?}");
    text
}

pub async fn a_new_store_is_empty(home: Home) {
    let store = home.open().await;
    let id = store.load().await.unwrap().id;
    let empty = ClusterConfig { id, ..ClusterConfig::default() };
    assert_eq!(store.load().await.unwrap(), empty);
    assert_eq!(store.ring().await.unwrap(), []);
    let charge = store.charge().await.unwrap();
    assert_eq!((charge.epoch, charge.holder.as_str(), charge.beat), (0, "", 0));
}

pub async fn everything_is_there_after_the_database_was_closed_and_opened(home: Home) {
    let store = small(&home).await;
    let schema = Schema {
        columns: vec!["Stud_id".into(), "it's \"quoted\"".into()],
        dtypes: vec![Dtype::Number, Dtype::String],
    };
    let ring = vec![
        RingPoint { slot: 3, virtual_node: 1, server: "b".into() },
        RingPoint { slot: 500, virtual_node: 0, server: "a".into() },
    ];
    let hash = Choice {
        settings: [("seed".to_owned(), "\"1\"".to_owned())].into(),
        ..Choice::new("h", "abcd")
    };
    let whole = Shard { id: "all".into(), low: 0, size: 1 << 63, valid_at: 7 };
    let changes = [
        Change::Schema(schema.clone(), Sharding::Modulo),
        raise("s2", NEVER),
        put_server(2, "b", Some("b1")),
        put_replica("s1", "b", ReplicaState::OutOfSync),
        Change::RemoveReplica { shard: "s2".into(), server: "a".into() },
        Change::Ring(ring.iter().cloned().rev().collect()),
        Change::Protocol(Protocol::Safe),
        Change::HashPlugin(hash.clone()),
        Change::PlacementPlugin(Choice::new("p", "ef")),
        tell("b", 7, "zone", "it's \"b\""),
        Change::AddShard(whole.clone()),
        remember("k", r#"{"message":"ünï\u0000 \"x\""}"#),
    ];
    store.apply(1, &changes).await.unwrap();
    let id = store.load().await.unwrap().id;
    store.close().await;

    let store = home.open().await;
    let replica = |shard: &str, server: &str, state| Replica {
        shard: shard.into(),
        server: server.into(),
        state,
    };
    let expected = ClusterConfig {
        id,
        protocol: Some(Protocol::Safe),
        schema: Some(schema),
        sharding: Sharding::Modulo,
        shards: vec![shard("s1", 0, 0), shard("s2", 4096, NEVER), whole],
        servers: vec![
            server(1, "a", Some("a1")),
            Server {
                attributes: attributes(7, "zone", "it's \"b\""),
                ..server(2, "b", Some("b1"))
            },
        ],
        replicas: vec![
            replica("s1", "a", ReplicaState::InSync),
            replica("s1", "b", ReplicaState::OutOfSync),
            replica("s2", "b", ReplicaState::InSync),
        ],
        hash_plugin: Some(hash),
        placement_plugin: Some(Choice::new("p", "ef")),
    };
    assert_eq!(store.load().await.unwrap(), expected);
    assert_eq!(store.ring().await.unwrap(), ring);
    let kept = store.remembered("k").await.unwrap().unwrap();
    assert_eq!(kept.fingerprint, "f");
    assert_eq!(kept.answer, r#"{"message":"ünï\u0000 \"x\""}"#);
    assert_eq!(store.charge().await.unwrap().epoch, 1);
}

pub async fn a_vat_is_never_lowered(home: Home) {
    let store = small(&home).await;
    store.apply(1, &[raise("s1", 5), raise("s2", 2), raise("s1", 4)]).await.unwrap();
    assert_eq!(vats(&store).await, [5, 2]);
    store.apply(1, &[raise("s1", 3), raise("s2", 3)]).await.unwrap();
    assert_eq!(vats(&store).await, [5, 3]);
}

pub async fn a_list_made_twice_is_a_list_made_once(home: Home) {
    let store = small(&home).await;
    let once = [
        add_shard("s3", 8192, 0),
        put_server(3, "c", Some("c1")),
        put_replica("s3", "c", ReplicaState::InSync),
        raise("s1", 8),
        raise("s3", 1),
        remember("k", "first"),
        Change::RemoveReplica { shard: "s2".into(), server: "a".into() },
        Change::RemoveServer { name: "b".into() },
        Change::Ring(vec![RingPoint { slot: 1, virtual_node: 0, server: "c".into() }]),
    ];
    store.apply(1, &once).await.unwrap();
    let (config, ring) = (store.load().await.unwrap(), store.ring().await.unwrap());
    store.apply(1, &once).await.unwrap();
    assert_eq!(store.load().await.unwrap(), config);
    assert_eq!(store.ring().await.unwrap(), ring);
    assert_eq!(answer(&store, "k").await.unwrap(), "first");
}

pub async fn a_new_incarnation_replaces_the_old_one_and_keeps_the_order(home: Home) {
    let store = small(&home).await;
    store.apply(1, &[put_server(1, "a", Some("a2"))]).await.unwrap();
    let servers = store.load().await.unwrap().servers;
    assert_eq!(servers, [server(1, "a", Some("a2")), server(2, "b", None)]);
}

pub async fn a_new_incarnation_leaves_what_is_told_about_a_server(home: Home) {
    let store = small(&home).await;
    store.apply(1, &[tell("a", 0, "zone", "x"), put_server(1, "a", Some("a2"))]).await.unwrap();
    let a = store.load().await.unwrap().server("a").cloned().unwrap();
    assert_eq!(a.incarnation.as_deref(), Some("a2"));
    assert_eq!(a.attributes, attributes(0, "zone", "x"));
    let new = Server { attributes: attributes(5, "rack", "r"), ..server(3, "c", None) };
    store.apply(1, &[Change::PutServer(new.clone())]).await.unwrap();
    assert_eq!(store.load().await.unwrap().server("c"), Some(&new), "a new one comes with its own");
}

pub async fn a_removed_server_takes_its_replicas_and_leaves_its_number(home: Home) {
    let store = small(&home).await;
    let gone = Change::RemoveServer { name: "a".into() };
    store.apply(1, &[gone, put_server(1, "c", None)]).await.unwrap();
    let config = store.load().await.unwrap();
    assert_eq!(config.servers, [server(2, "b", None), server(1, "c", None)]);
    assert!(config.replicas.iter().all(|r| r.server == "b"));
    assert_eq!(config.replicas.len(), 2);
}

pub async fn a_change_that_cannot_be_is_refused_with_all_that_came_with_it(home: Home) {
    let store = small(&home).await;
    store.apply(1, &[raise("s2", 9)]).await.unwrap();
    let twice = RingPoint { slot: 1, virtual_node: 0, server: "a".into() };
    for (bad, says) in [
        (raise("nope", 1), "nope"),
        (raise("s1", NEVER + 1), "out of range"),
        (put_replica("nope", "a", ReplicaState::InSync), "nope"),
        (put_replica("s1", "nobody", ReplicaState::InSync), "nobody"),
        (add_shard("s1", 1, 0), "clashes"),
        (add_shard("s2", 4096, 10), "clashes"),
        (put_server(1, "c", None), "unique"),
        (put_server(3, "a", None), "clashes"),
        (put_server(2, "a", None), "clashes"),
        (tell("nobody", 1, "zone", "x"), "nobody"),
        (Change::Ring(vec![twice.clone(), twice]), "unique"),
    ] {
        let text = refusal(&store, std::slice::from_ref(&bad)).await;
        assert!(text.to_lowercase().contains(says), "{bad:?}: {text}");
    }
    let several = [raise("s1", 2), raise("x", 1), raise("y", 1)];
    assert!(refusal(&store, &several).await.ends_with("no shard is called x, y"));
}

pub async fn a_new_ring_replaces_the_old_one(home: Home) {
    let store = small(&home).await;
    let point = |slot| RingPoint { slot, virtual_node: 2, server: "a".into() };
    store.apply(1, &[Change::Ring(vec![point(1), point(2)])]).await.unwrap();
    store.apply(1, &[Change::Ring(vec![point(2), point(0)])]).await.unwrap();
    assert_eq!(store.ring().await.unwrap(), [point(0), point(2)]);
    store.apply(1, &[Change::Ring(vec![])]).await.unwrap();
    assert_eq!(store.ring().await.unwrap(), []);
}

pub async fn the_first_answer_of_a_key_stays_until_it_is_forgotten(home: Home) {
    let store = small(&home).await;
    store.apply(1, &[remember("k", "1"), remember("k", "2"), remember("l", "3")]).await.unwrap();
    store.apply(1, &[remember("k", "4")]).await.unwrap();
    assert_eq!(answer(&store, "k").await.unwrap(), "1");
    assert_eq!(answer(&store, "l").await.unwrap(), "3");
    assert_eq!(answer(&store, "m").await, None);

    home.sql("UPDATE remembered SET at = at - 100 WHERE key = 'k'").await;
    store.apply(1, &[Change::Forget { older_than_s: 200 }]).await.unwrap();
    assert!(answer(&store, "k").await.is_some());
    store.apply(1, &[Change::Forget { older_than_s: u64::MAX }]).await.unwrap();
    assert!(answer(&store, "k").await.is_some());
    store.apply(1, &[Change::Forget { older_than_s: 50 }]).await.unwrap();
    assert_eq!(answer(&store, "k").await, None);
    assert!(answer(&store, "l").await.is_some());
    store.apply(1, &[remember("k", "5")]).await.unwrap();
    assert_eq!(answer(&store, "k").await.unwrap(), "5");
}

pub async fn a_refused_list_keeps_no_answer(home: Home) {
    let store = small(&home).await;
    refusal(&store, &[remember("k", "1"), raise("nope", 1)]).await;
    assert_eq!(answer(&store, "k").await, None);
}

pub async fn what_cannot_be_read_is_said_to_be_corrupt(home: Home) {
    for damage in [
        "UPDATE configuration SET table_schema = '{'",
        "UPDATE configuration SET sharding = 'sideways'",
        "UPDATE map_t SET state = 'dizzy'",
        "UPDATE shard_t SET valid_at = -1 WHERE id = 's1'",
        "UPDATE server SET id = 4294967296 WHERE name = 'a'",
        "UPDATE server SET weight = -1 WHERE name = 'a'",
        "UPDATE server SET labels = '[]' WHERE name = 'a'",
        "UPDATE configuration SET hash_plugin = 'md5'",
    ] {
        let home = home.another().await;
        let store = small(&home).await;
        home.sql(damage).await;
        let error = store.load().await.unwrap_err();
        assert!(matches!(error, MetadataError::Corrupt(_)), "{damage}: {error}");
    }
}

pub async fn each_cluster_has_an_id_of_its_own_and_keeps_it(home: Home) {
    let store = small(&home).await;
    let id = store.load().await.unwrap().id;
    assert_eq!(id.len(), 32);
    store.close().await;
    assert_eq!(home.open().await.load().await.unwrap().id, id);
    assert_ne!(small(&home.another().await).await.load().await.unwrap().id, id);
}

pub async fn the_protocol_is_kept(home: Home) {
    let store = small(&home).await;
    assert_eq!(store.load().await.unwrap().protocol, None);
    store.apply(1, &[Change::Protocol(Protocol::Paper)]).await.unwrap();
    assert_eq!(store.load().await.unwrap().protocol, Some(Protocol::Paper));
}

pub async fn replicas_are_in_the_order_of_their_bytes(home: Home) {
    let store = small(&home).await;
    let names = ["Z", "_", "a", "b", "é"];
    for (id, name) in (3..).zip(["_", "é", "Z"]) {
        let added = [put_server(id, name, None), put_replica("s1", name, ReplicaState::InSync)];
        store.apply(1, &added).await.unwrap();
    }
    let config = store.load().await.unwrap();
    let found: Vec<&str> = config.replicas_of("s1").map(|r| r.server.as_str()).collect();
    assert_eq!(found, names);
}
