//! What nobody can need any more is removed, and nothing else.

use ringwright_wire::*;

use crate::client::*;
use crate::place::Place;

pub async fn versions_nobody_can_need_are_removed(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1), insert(2), insert(3)]).await;
    client.write(1, 2, vec![update(1, "b"), delete(2)]).await;
    client.write(2, 3, vec![update(1, "c")]).await;
    client.write(3, 4, vec![delete(3)]).await;
    assert_eq!(place.versions().await, 5);
    client.collect(2).await.unwrap();
    assert_eq!(place.versions().await, 3, "what term 2 deleted is gone");
    for vat in 2..=4 {
        client.rows(vat).await;
    }
    assert_eq!(client.rows(2).await, [(1, row(1, "b")), (3, row(3, "new"))]);
    client.collect(1).await.unwrap();
    assert!(matches!(client.refused_read(1).await, QueryResult::BelowSafePoint(2)));
    // Term 4 may still be undone: the server has not been told that it is committed.
    client.collect(4).await.unwrap();
    assert_eq!(client.keys(3).await, [1, 3]);
}

pub async fn a_write_takes_garbage_away(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1), insert(2)]).await;
    client.write(1, 2, vec![update(1, "b"), delete(2)]).await;
    client.write(2, 3, vec![update(1, "c")]).await;
    assert_eq!(place.versions().await, 4);
    let safe_point = 2;
    let batch = ShardBatch { safe_point, ..batch(SHARD, 3, 4, vec![vec![insert(3)]]) };
    client.apply_all(vec![batch]).await.unwrap();
    assert_eq!(place.versions().await, 3, "what term 2 ended is gone, what term 3 ended is not");
    assert_eq!(client.rows(2).await, [(1, row(1, "b"))]);
    assert!(matches!(client.refused_read(1).await, QueryResult::BelowSafePoint(2)));
}

pub async fn more_than_a_chunk_is_removed(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, (0..4100).map(insert).collect()).await;
    client.write(1, 2, (0..4050).map(delete).collect()).await;
    client.write(2, 3, vec![]).await;
    client.collect(2).await.unwrap();
    assert_eq!(place.versions().await, 50);
    assert_eq!(client.keys(2).await, (4050..4100).collect::<Vec<_>>());
}

pub async fn live_rows_stay(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1)]).await;
    client.write(1, 2, vec![update(1, "b")]).await;
    for round in 3..6 {
        client.write(2, round, vec![]).await;
        client.collect(NEVER).await.unwrap();
    }
    assert_eq!(client.rows(2).await, [(1, row(1, "b"))]);
    let unknown = vec![("unknown".to_owned(), 1)];
    let collect = Collect { stamp: client.stamp.clone(), safe_points: unknown };
    client.server.collect(collect).await.unwrap();
}

pub async fn another_shards_history_stays(place: Place) {
    let client = Client::holding(&place, &[SHARD, "sh2"]).await;
    let steps = [vec![insert(1)], vec![delete(1)], vec![insert(2)]];
    for (vat, ops) in (0..).zip(steps) {
        let one = |shard| batch(shard, vat, vat + 1, vec![ops.clone()]);
        client.apply_all(vec![one(SHARD), one("sh2")]).await.unwrap();
    }
    client.collect(2).await.unwrap();
    assert_eq!(place.versions().await, 3);
    let old = client.query(vec![query("sh2", 1, 1, 1)]).await.unwrap().remove(0);
    assert!(matches!(old, QueryResult::Rows(rows) if rows.len() == 1));
}

pub async fn rows_of_forgotten_shards_are_removed(place: Place) {
    let client = Client::holding(&place, &[SHARD, "sh2"]).await;
    client.write(0, 1, (0..2500).map(insert).collect()).await;
    client.apply_all(vec![batch("sh2", 0, 1, vec![vec![insert(1)]])]).await.unwrap();
    client.forget(SHARD).await.unwrap();
    client.collect(0).await.unwrap();
    assert_eq!(place.versions().await, 1);
}
