//! Epochs, incarnations and assignments: who may ask, and for what.

use ringwright_wire::*;

use crate::client::*;
use crate::place::Place;

pub async fn a_lower_epoch_is_refused(place: Place) {
    let (client, holdings) = Client::adopt(&place, 2).await;
    assert_eq!(holdings, []);
    let lower = client.server.adopt(adopt(1)).await;
    assert_eq!(lower, Err(WireError::Epoch { current: 2, given: 1 }));
    let again = client.server.adopt(adopt(2)).await.unwrap();
    assert_eq!(again.incarnation, client.stamp.incarnation);
    assert_eq!(client.server.heartbeat().await.unwrap(), client.stamp.incarnation);
}

/// How every message but adopt is refused.
async fn refusals(c: &Client) -> Vec<Option<WireError>> {
    let read = PaperOp::Read(0, 9);
    vec![
        c.assign(SHARD, 0).await.err(),
        c.apply(0, 9, vec![vec![insert(9)]]).await.err(),
        c.query(vec![query(SHARD, 0, 0, 9)]).await.err(),
        c.query(vec![query(SHARD, 0, 9, 9)]).await.err(),
        c.export(None, 0, 9).await.err(),
        c.import((1, 0), &[]).await.err(),
        c.collect(0).await.err(),
        c.paper(0, read).await.err(),
        c.measure(&[SHARD]).await.err(),
    ]
}

pub async fn every_message_needs_the_right_epoch(place: Place) {
    let mut client = Client::holding(&place, &[SHARD]).await;
    let (lower, right) = (client.clone(), client.stamp.epoch + 1);
    client.readopt().await;
    let mut higher = client.clone();
    higher.stamp.epoch = 9;
    for (client, given) in [(lower, right - 1), (higher, 9)] {
        let expected = Some(WireError::Epoch { current: right, given });
        assert_eq!(refusals(&client).await, vec![expected; 9]);
    }
    assert_eq!(refusals(&client).await[..5], [None, None, None, None, None]);
}

pub async fn every_message_needs_the_right_incarnation(place: Place) {
    let mut client = Client::holding(&place, &[SHARD]).await;
    client.stamp.incarnation = "another".into();
    assert_eq!(refusals(&client).await, vec![Some(WireError::Incarnation); 9]);
}

pub async fn a_new_shard_is_in_sync_at_term_0_only(place: Place) {
    let (mut client, _) = Client::adopt(&place, 1).await;
    assert_eq!(client.assign(SHARD, 1).await, Err(not_held()));
    assert!(client.readopt().await.is_empty());
    client.assign(SHARD, 0).await.unwrap();
    assert!(client.keys(0).await.is_empty());
    let holding = Holding { shard: SHARD.into(), held: Some(0), safe_point: 0 };
    assert_eq!(client.readopt().await, [holding]);
}

pub async fn what_was_never_sent_is_not_held(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1)]).await;
    assert_eq!(client.assign(SHARD, 2).await, Err(not_held()));
    client.assign(SHARD, 1).await.unwrap();
}

pub async fn an_assignment_undoes_what_was_not_committed(place: Place) {
    let mut client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1), insert(2)]).await;
    client.write(1, 2, vec![delete(1), update(2, "changed"), insert(3)]).await;
    assert_eq!(client.readopt().await[0].held, Some(1));
    client.assign(SHARD, 1).await.unwrap();
    assert!(matches!(client.refused_read(2).await, QueryResult::NotHeld));
    assert_eq!(place.versions().await, 2);
    // Nothing of the old term 2 comes up in the new one.
    client.write(1, 1, vec![insert(4)]).await;
    assert_eq!(client.keys(2).await, [1, 2, 4]);
    assert_eq!(client.rows(2).await[1].1, row(2, "new"));
}

pub async fn an_assignment_keeps_what_was_committed(place: Place) {
    let mut client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1)]).await;
    client.readopt().await;
    client.assign(SHARD, 1).await.unwrap();
    assert_eq!(client.keys(1).await, [1]);
}

pub async fn a_late_assignment_undoes_nothing(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1)]).await;
    client.assign(SHARD, 0).await.unwrap();
    assert_eq!(client.keys(1).await, [1]);
}

pub async fn an_older_assignment_is_stale(place: Place) {
    let mut client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1)]).await;
    client.write(1, 2, vec![insert(2)]).await;
    client.readopt().await;
    assert_eq!(client.assign(SHARD, 0).await, Err(stale()));
    client.assign(SHARD, 2).await.unwrap();
    assert_eq!(client.keys(2).await, [1, 2]);
}

pub async fn an_assignment_is_atomic(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1)]).await;
    let assign = Assign {
        stamp: client.stamp.clone(),
        number: 1,
        in_sync: vec![("new".into(), 0), ("unknown".into(), 7)],
        forget: vec![SHARD.into()],
    };
    let refused = client.server.assign(assign).await;
    assert_eq!(refused, Err(WireError::NotHeld { shard: "unknown".into() }));
    assert_eq!(client.keys(1).await, [1]);
    let new = client.query(vec![query("new", 0, 0, 9)]).await.unwrap().remove(0);
    assert!(matches!(new, QueryResult::NotHeld));
}

pub async fn a_forgotten_shard_is_gone(place: Place) {
    let mut client = Client::holding(&place, &[SHARD, "sh2"]).await;
    client.write(0, 1, vec![insert(1)]).await;
    client.forget(SHARD).await.unwrap();
    assert!(matches!(client.refused_read(0).await, QueryResult::NotHeld));
    assert_eq!(client.readopt().await.len(), 1);
    client.assign(SHARD, 0).await.unwrap();
    client.write(0, 1, vec![insert(2)]).await;
    assert_eq!(client.keys(1).await, [2]);
}

pub async fn another_clusters_database_is_refused(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    let foreign = Adopt { epoch: 9, cluster: "another".into() };
    assert_eq!(client.server.adopt(foreign).await, Err(WireError::Cluster));
    client.write(0, 1, vec![insert(1)]).await;
    client.server.adopt(adopt(2)).await.unwrap();
}

pub async fn a_late_forget_forgets_nothing(place: Place) {
    let client = Client::holding(&place, &["old"]).await;
    client.assign_numbered(5, SHARD, 0).await.unwrap();
    client.write(0, 1, vec![insert(1)]).await;
    assert_eq!(client.forget_numbered(4, SHARD).await, Err(stale()));
    client.import((8, 0), &[]).await.unwrap();
    assert_eq!(client.forget_numbered(7, SHARD).await, Err(stale()));
    client.forget_numbered(8, SHARD).await.unwrap();
    assert!(matches!(client.refused_read(0).await, QueryResult::NotHeld));
}

pub async fn an_assignment_from_before_a_join_is_stale(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1)]).await;
    client.import((8, 0), &[]).await.unwrap();
    assert_eq!(client.assign_numbered(7, SHARD, 0).await, Err(stale()));
    assert!(matches!(client.refused_read(0).await, QueryResult::NotHeld), "it joins still");
}

pub async fn everything_survives_a_restart(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1)]).await;
    client.write(1, 2, vec![insert(2)]).await;
    client.collect(1).await.unwrap();
    let reopened = Client { server: place.open().await, stamp: client.stamp };
    assert_eq!(reopened.keys(2).await, [1, 2]);
    assert!(matches!(reopened.refused_read(0).await, QueryResult::BelowSafePoint(1)));
    assert_eq!(reopened.apply(1, 2, vec![]).await, Err(stale()));
    let lower = reopened.server.adopt(adopt(0)).await;
    assert_eq!(lower, Err(WireError::Epoch { current: 1, given: 0 }));
}
