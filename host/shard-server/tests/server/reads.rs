//! Reads: as of a term, changing nothing.

use ringwright_wire::*;

use crate::client::*;
use crate::place::Place;

pub async fn a_read_sees_its_term(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1), insert(2)]).await;
    client.write(1, 2, vec![update(1, "second")]).await;
    client.write(2, 3, vec![delete(1), insert(3)]).await;
    assert_eq!(client.rows(0).await, []);
    assert_eq!(client.rows(1).await, [(1, row(1, "new")), (2, row(2, "new"))]);
    assert_eq!(client.rows(2).await, [(1, row(1, "second")), (2, row(2, "new"))]);
    assert_eq!(client.keys(3).await, [2, 3]);
}

pub async fn a_read_below_the_safe_point_is_told_where_history_starts(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1)]).await;
    client.write(1, 2, vec![delete(1)]).await;
    let raise = ShardBatch { safe_point: 2, ..batch(SHARD, 2, 3, vec![]) };
    client.apply_all(vec![raise]).await.unwrap();
    let lower = ShardBatch { safe_point: 1, ..batch(SHARD, 2, 4, vec![]) };
    client.apply_all(vec![lower]).await.unwrap();
    assert!(matches!(client.refused_read(1).await, QueryResult::BelowSafePoint(2)));
    assert!(client.keys(2).await.is_empty());
}

pub async fn a_safe_point_never_passes_the_vat(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1)]).await;
    let ahead = ShardBatch { safe_point: 9, ..batch(SHARD, 1, 2, vec![]) };
    client.apply_all(vec![ahead]).await.unwrap();
    client.collect(9).await.unwrap();
    assert_eq!(client.keys(1).await, [1]);
    assert!(matches!(client.refused_read(0).await, QueryResult::BelowSafePoint(1)));
    let row = client.query(vec![query(SHARD, 0, 1, 1)]).await.unwrap().remove(0);
    assert!(matches!(row, QueryResult::BelowSafePoint(1)));
}

pub async fn a_read_changes_nothing(place: Place) {
    let mut client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1), insert(2)]).await;
    client.write(1, 2, vec![delete(1), insert(3)]).await;
    for vat in [0, 1, 2, 1, 0] {
        client.rows(vat).await;
        client.export(None, vat, 9).await.unwrap();
        client.query(vec![query(SHARD, vat, 1, 1)]).await.unwrap();
    }
    assert_eq!(place.versions().await, 3);
    assert!(client.keys(0).await.is_empty());
    assert_eq!(client.keys(1).await, [1, 2]);
    assert_eq!(client.keys(2).await, [2, 3], "what is in flight is still there");
    client.readopt().await;
    client.assign(SHARD, 2).await.unwrap();
}

pub async fn many_queries_are_answered_in_order(place: Place) {
    let client = Client::holding(&place, &[SHARD, "sh2"]).await;
    let rows = |keys: &[i64]| vec![keys.iter().copied().map(insert).collect()];
    let first = batch(SHARD, 0, 1, rows(&[5, 1, i64::MAX, 0]));
    client.apply_all(vec![first, batch("sh2", 0, 1, rows(&[1, 7]))]).await.unwrap();
    let queries = vec![
        query("sh2", 1, 7, 7),
        query(SHARD, 1, 1, 5),
        query(SHARD, 1, 7, 7),
        query("sh3", 0, 7, 7),
        query(SHARD, 1, 5, 1),
        query(SHARD, 0, 1, 1),
        query(SHARD, 1, 1, 1),
        query(SHARD, 1, i64::MAX, i64::MAX),
        query("sh2", 1, 0, i64::MAX),
        query("sh2", 1, 7, 7),
    ];
    let expected: [Option<&[i64]>; 10] = [
        Some(&[7]),
        Some(&[1, 5]),
        Some(&[]),
        None,
        Some(&[]),
        Some(&[]),
        Some(&[1]),
        Some(&[i64::MAX]),
        Some(&[1, 7]),
        Some(&[7]),
    ];
    let mut alone = Vec::new();
    for query in &queries {
        alone.extend(client.query(vec![query.clone()]).await.unwrap());
    }
    let (points, ranges): (Vec<_>, Vec<_>) =
        queries.iter().cloned().zip(&alone).partition(|(query, _)| query.low == query.high);
    let shown = |answers: &[QueryResult]| format!("{answers:?}");
    for some in [points, ranges] {
        let (queries, alone): (Vec<_>, Vec<QueryResult>) =
            some.into_iter().map(|(query, answer)| (query, answer.clone())).unzip();
        assert_eq!(shown(&client.query(queries).await.unwrap()), shown(&alone));
    }
    let answers = client.query(queries).await.unwrap();
    assert_eq!(answers.len(), 10);
    assert_eq!(shown(&answers), shown(&alone));
    for (n, (answer, expected)) in answers.into_iter().zip(expected).enumerate() {
        let keys = match answer {
            QueryResult::Rows(rows) => Some(rows.into_iter().map(|(k, _)| k).collect::<Vec<_>>()),
            _ => None,
        };
        assert_eq!(keys.as_deref(), expected, "query {n}");
    }
}

/// Escapes, digits beyond a float's, letters beyond ASCII: all come back as they came.
pub async fn a_row_is_answered_to_the_byte(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    let text =
        r#"{"id":1,"a":"\"\\\n\u0001 'é𝄞' $1","b":1.50000000000000000001,"c":-0.0,"d":true}"#;
    client.write(0, 1, vec![Op::Insert { key: 1, row: text.into() }]).await;
    assert_eq!(client.rows(1).await, [(1, text.to_owned())]);
    let point = client.query(vec![query(SHARD, 1, 1, 1)]).await.unwrap().remove(0);
    let QueryResult::Rows(rows) = point else { panic!("{point:?}") };
    assert_eq!(texts(rows), [(1, text.to_owned())]);
    assert_eq!(&*client.export(None, 1, 9).await.unwrap()[0].row, text);
}

pub async fn a_read_beyond_what_was_sent_is_not_answered(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1)]).await;
    assert!(matches!(client.refused_read(2).await, QueryResult::NotHeld));
    let row = client.query(vec![query(SHARD, 2, 1, 1)]).await.unwrap().remove(0);
    assert!(matches!(row, QueryResult::NotHeld));
    assert_eq!(client.export(None, 2, 9).await, Err(not_held()));
    assert_eq!(client.keys(1).await, [1]);
}
