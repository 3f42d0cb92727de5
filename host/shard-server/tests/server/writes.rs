//! Batches of writes.

use ringwright_wire::*;

use crate::client::*;
use crate::place::Place;

pub async fn an_older_vat_is_stale(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1)]).await;
    client.write(1, 2, vec![insert(2)]).await;
    assert_eq!(client.apply(0, 3, vec![vec![insert(3)]]).await, Err(stale()));
    assert_eq!(client.keys(2).await, [1, 2]);
}

pub async fn a_late_round_is_stale(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 2, vec![insert(1)]).await;
    for late in [1, 2] {
        assert_eq!(client.apply(0, late, vec![vec![insert(3)]]).await, Err(stale()));
    }
    assert_eq!(client.keys(1).await, [1]);
    client.write(0, 3, vec![insert(4)]).await;
    assert_eq!(client.keys(1).await, [4]);
}

pub async fn a_new_epoch_counts_rounds_anew(place: Place) {
    let mut client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 5, vec![insert(1)]).await;
    client.readopt().await;
    client.write(0, 1, vec![insert(2)]).await;
    assert_eq!(client.keys(1).await, [2]);
}

pub async fn a_missed_batch_means_not_held(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    assert_eq!(client.apply(1, 1, vec![vec![insert(1)]]).await, Err(not_held()));
    client.write(0, 1, vec![insert(1)]).await;
    assert_eq!(client.apply(2, 2, vec![]).await, Err(not_held()));
}

pub async fn what_was_not_committed_is_undone(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1), insert(2)]).await;
    client.write(1, 2, vec![delete(1), update(2, "lost"), insert(3)]).await;
    client.write(1, 3, vec![update(1, "kept"), insert(4)]).await;
    let expected = [(1, row(1, "kept")), (2, row(2, "new")), (4, row(4, "new"))];
    assert_eq!(client.rows(2).await, expected);
    assert_eq!(client.keys(1).await, [1, 2]);
}

pub async fn a_request_is_refused_whole_with_its_lowest_key(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(10), insert(20), insert(30)]).await;
    let requests = vec![
        vec![insert(5), insert(20), insert(10), delete(40)],
        vec![insert(6), delete(30)],
        vec![update(3, "x"), delete(2)],
    ];
    let exists = Refusal { key: 10, reason: RefusalReason::Exists };
    let missing = Refusal { key: 2, reason: RefusalReason::Missing };
    let refusals = client.apply(1, 2, requests).await.unwrap();
    assert_eq!(refusals, [Some(exists), None, Some(missing)]);
    assert_eq!(client.keys(2).await, [6, 10, 20]);
}

pub async fn a_message_is_applied_whole_or_not_at_all(place: Place) {
    let client = Client::holding(&place, &[SHARD, "sh2", "sh3"]).await;
    client.apply_all(vec![batch("sh2", 0, 5, vec![vec![insert(7)]])]).await.unwrap();
    let both = |round| {
        let one = |shard| batch(shard, 0, round, vec![vec![insert(1)]]);
        vec![one(SHARD), one("sh2"), one("sh3")]
    };
    let late = client.apply_all(both(5)).await;
    assert_eq!(late, Err(WireError::Stale { shard: "sh2".into() }));
    assert!(matches!(client.refused_read(1).await, QueryResult::NotHeld));
    assert_eq!(place.versions().await, 1);
    let applied = client.apply_all(both(6)).await.unwrap();
    assert_eq!(applied.refusals, vec![vec![None]; 3]);
    assert_eq!(client.keys(1).await, [1]);
}

pub async fn a_batch_changes_a_key_once(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    let twice = client.apply(0, 1, vec![vec![insert(1)], vec![delete(1)]]).await;
    assert!(matches!(twice, Err(WireError::BadRequest { .. })));
    let batches = vec![batch(SHARD, 0, 1, vec![]), batch(SHARD, 0, 2, vec![])];
    let twice = client.apply_all(batches).await;
    assert!(matches!(twice, Err(WireError::BadRequest { .. })));
    client.write(0, 1, vec![insert(1)]).await;
}

pub async fn an_update_spends_one_term(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1)]).await;
    client.write(1, 2, vec![update(1, "second")]).await;
    let mut old = version(1, 1, 2);
    let new = Version { row: row(1, "second").into(), ..version(1, 2, NEVER) };
    assert_eq!(client.export(Some(0), 2, 9).await.unwrap(), [old.clone(), new]);
    old.dat = NEVER;
    assert_eq!(client.export(Some(0), 1, 9).await.unwrap(), [old]);
}

/// Many at once, of which some are refused: each has its own answer and its own effect.
pub async fn concurrent_messages_do_not_disturb_each_other(place: Place) {
    let shards: Vec<String> = (0..20).map(|n| format!("s{n}")).collect();
    let names: Vec<&str> = shards.iter().map(String::as_str).collect();
    let client = Client::holding(&place, &names).await;
    let writers = shards.iter().enumerate().map(|(n, shard)| {
        let (client, shard, n) = (client.clone(), shard.clone(), n as i64);
        tokio::spawn(async move {
            for vat in 0..10 {
                let requests = vec![vec![insert(vat as i64)], vec![delete(1000)]];
                let good = batch(&shard, vat, vat + 1, requests);
                // The bad one would change the good one's shard, were it not undone alone.
                let bad = vec![batch(&shard, vat, vat + 2, vec![]), batch("none", 0, 1, vec![])];
                let (refused, applied) = if n % 2 == 0 {
                    tokio::join!(client.apply_all(bad), client.apply_all(vec![good]))
                } else {
                    let refused = client.apply_all(bad).await;
                    (refused, client.apply_all(vec![good]).await)
                };
                assert_eq!(refused, Err(WireError::NotHeld { shard: "none".into() }));
                let missing = Refusal { key: 1000, reason: RefusalReason::Missing };
                assert_eq!(applied.unwrap().refusals, [[None, Some(missing)]]);
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let queries = shards.iter().map(|shard| query(shard, 10, 0, 100)).collect();
    for result in client.query(queries).await.unwrap() {
        let QueryResult::Rows(rows) = result else { panic!("{result:?}") };
        assert_eq!(rows.len(), 10);
    }
}

pub async fn terms_out_of_range_are_refused(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    let most = u64::MAX;
    assert_eq!(client.apply(most, most, vec![]).await, Err(not_held()));
    assert_eq!(client.assign(SHARD, most).await, Err(not_held()));
    assert_eq!(client.export(None, most, 9).await, Err(not_held()));
    let bad = |outcome: Result<(), WireError>| {
        assert!(matches!(outcome, Err(WireError::BadRequest { .. })), "{outcome:?}");
    };
    bad(client.paper(most, PaperOp::Read(0, 1)).await.map(drop));
    bad(client.import((1, 0), &[version(1, 1, most)]).await);
    bad(client.import((1, 0), &[version(1, 5, 4)]).await);
    bad(client.finish((1, 0), &[], most, 0).await);
    bad(client.finish((1, 0), &[], 4, 5).await);
    client.collect(most).await.unwrap();
    // None of it left anything behind.
    client.write(0, 1, vec![insert(1)]).await;
    assert_eq!(client.keys(1).await, [1]);
}
