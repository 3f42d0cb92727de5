//! Copies and deltas: how a replica joins.

use ringwright_wire::*;

use crate::client::*;
use crate::place::Place;

/// The source's rows go to a second replica, which lives beside it under another shard name.
struct Pair {
    source: Client,
    pages: u64,
}

const COPY: &str = "copy";

impl Pair {
    async fn send(&mut self, versions: Vec<Version>, finish: Option<ImportFinish>) {
        for (n, chunk) in versions.chunks(2).chain([[].as_slice()]).enumerate() {
            let last = n == versions.chunks(2).count();
            let import = Import {
                shard: COPY.into(),
                finish: finish.filter(|_| last),
                ..self.source.import_request(1, self.pages, chunk)
            };
            self.source.server.import(import).await.unwrap();
            self.pages += 1;
        }
    }

    async fn copied(&self, after: Option<u64>, upto: u64) -> Vec<Version> {
        let request = self.source.export_request(after, upto, 100);
        let request = Export { shard: COPY.into(), ..request };
        self.source.server.export(request).await.unwrap().versions
    }

    async fn copied_rows(&self, vat: u64) -> Vec<(i64, String)> {
        let query = query(COPY, vat, 0, i64::MAX);
        match self.source.query(vec![query]).await.unwrap().remove(0) {
            QueryResult::Rows(rows) => texts(rows),
            other => panic!("{other:?}"),
        }
    }
}

pub async fn a_copy_and_its_deltas_make_an_equal_replica(place: Place) {
    let source = Client::holding(&place, &[SHARD]).await;
    source.write(0, 1, (0..7).map(insert).collect()).await;
    source.write(1, 2, vec![update(1, "b"), delete(2), insert(9)]).await;
    let mut pair = Pair { source: source.clone(), pages: 0 };
    pair.send(source.export(None, 2, 2).await.unwrap(), None).await;
    // Writes go on, one of them never committed.
    source.write(2, 3, vec![update(1, "c"), delete(3), insert(2)]).await;
    source.write(3, 4, vec![insert(50), delete(4)]).await;
    source.write(3, 5, vec![update(1, "d"), delete(5), delete(9), insert(3)]).await;
    let finish = ImportFinish { held: 3, safe_point: 2 };
    pair.send(source.export(Some(2), 3, 2).await.unwrap(), Some(finish)).await;
    let finish = ImportFinish { held: 4, safe_point: 2 };
    pair.send(source.export(Some(3), 4, 2).await.unwrap(), Some(finish)).await;
    source.assign(COPY, 4).await.unwrap();

    for vat in 2..=4 {
        let rows = source.rows(vat).await;
        assert!(rows.len() > 3);
        assert_eq!(pair.copied_rows(vat).await, rows, "as of {vat}");
    }
    assert_eq!(pair.copied(Some(2), 4).await, source.export(Some(2), 4, 100).await.unwrap());
    let below = source.query(vec![query(COPY, 1, 0, 9)]).await.unwrap().remove(0);
    assert!(matches!(below, QueryResult::BelowSafePoint(2)));
    // From here on both take the same batch.
    let requests = vec![vec![update(1, "e")], vec![delete(2)]];
    let batches = vec![batch(SHARD, 4, 9, requests.clone()), batch(COPY, 4, 9, requests)];
    let applied = source.apply_all(batches).await.unwrap();
    assert_eq!(applied.refusals, [[None, None], [None, None]]);
    assert_eq!(pair.copied_rows(5).await, source.rows(5).await);
}

/// Wherever a page begins: above all that is there, among it, or below.
pub async fn a_page_takes_the_place_of_what_is_there(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    let text = r#"{"id":1,"a":"\"\\\n\u0001 'é𝄞\\N\\."}"#;
    let odd = |key, cat| Version { row: text.into(), ..version(key, cat, NEVER) };
    client.import((1, 0), &[odd(5, 1), version(7, 1, NEVER)]).await.unwrap();
    client.import((1, 1), &[version(8, 1, NEVER), odd(8, 2)]).await.unwrap();
    client.import((1, 2), &[version(8, 1, 2), version(9, 2, NEVER)]).await.unwrap();
    client.import((1, 3), &[version(1, 1, NEVER), odd(7, 1)]).await.unwrap();
    client.import((1, 4), &[odd(20, 2), version(11, 2, NEVER)]).await.unwrap();
    client.finish((1, 5), &[], 2, 0).await.unwrap();
    client.assign(SHARD, 2).await.unwrap();
    assert_eq!(client.keys(1).await, [1, 5, 7, 8]);
    let rows = client.rows(2).await;
    let keys: Vec<_> = rows.iter().map(|(key, _)| *key).collect();
    assert_eq!(keys, [1, 5, 7, 8, 9, 11, 20]);
    let odd: Vec<_> = rows.iter().filter(|(_, row)| row == text).map(|(key, _)| *key).collect();
    assert_eq!(odd, [5, 7, 8, 20]);
}

pub async fn a_page_hides_what_came_after_it(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1), insert(2)]).await;
    client.write(1, 2, vec![update(1, "b"), delete(2), insert(3)]).await;
    let first = [version(1, 1, NEVER), version(2, 1, NEVER)];
    assert_eq!(client.export(None, 1, 9).await.unwrap(), first);
    assert_eq!(client.export(Some(0), 1, 9).await.unwrap(), first);
    let deltas = client.export(Some(1), 2, 9).await.unwrap();
    let terms: Vec<_> = deltas.iter().map(|v| (v.key, v.cat, v.dat)).collect();
    assert_eq!(terms, [(1, 1, 2), (1, 2, NEVER), (2, 1, 2), (3, 2, NEVER)]);
    assert_eq!(client.export(Some(2), 2, 9).await.unwrap(), []);
}

pub async fn deltas_are_the_same_few_or_many(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, (0..10).map(insert).collect()).await;
    for vat in 1..6 {
        let key = vat as i64;
        let ops = vec![update(key, "x"), update(0, &format!("{vat}")), insert(100 + key)];
        client.write(vat, vat + 1, ops).await;
    }
    client.write(6, 9, vec![delete(1), delete(9)]).await;
    for after in 0..7 {
        for upto in after..=7 {
            let whole = client.export(Some(after), upto, 1000).await.unwrap();
            for limit in [1, 2, 3, 7] {
                let paged = client.export(Some(after), upto, limit).await.unwrap();
                assert_eq!(paged, whole, "({after}, {upto}] by {limit}");
            }
        }
    }
    // Ten at term 1, three a term for five terms; a delete adds an event, not a version.
    assert_eq!(client.export(Some(0), 7, 4).await.unwrap().len(), 25);
    assert_eq!(client.export(Some(6), 7, 4).await.unwrap().len(), 2);
}

pub async fn a_page_of_large_rows_is_short(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    let large = "x".repeat(3 << 20);
    let rows = (1..=5).map(|key| Op::Insert { key, row: row(key, &large).into() }).collect();
    client.write(0, 1, rows).await;
    for after in [None, Some(0)] {
        let page = client.server.export(client.export_request(after, 1, 1000)).await.unwrap();
        assert_eq!((page.versions.len(), page.cursor), (3, Some((3, 1))));
        assert_eq!(client.export(after, 1, 1000).await.unwrap().len(), 5);
    }
}

pub async fn history_that_is_gone_is_not_exported(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1)]).await;
    client.write(1, 2, vec![insert(2)]).await;
    client.write(2, 3, vec![insert(3)]).await;
    client.collect(2).await.unwrap();
    let gone = Err(WireError::BelowSafePoint { shard: SHARD.into(), safe_point: 2 });
    assert_eq!(client.export(None, 1, 9).await, gone);
    assert_eq!(client.export(Some(1), 3, 9).await, gone);
    assert_eq!(client.export(Some(2), 3, 9).await.unwrap(), [version(3, 3, NEVER)]);
    let page = client.server.export(client.export_request(None, 2, 9)).await.unwrap();
    assert_eq!((page.versions.len(), page.safe_point, page.cursor), (2, 2, None));
}

pub async fn a_replica_that_joins_answers_nothing(place: Place) {
    let mut client = Client::holding(&place, &[SHARD]).await;
    client.import((1, 0), &[version(1, 3, NEVER)]).await.unwrap();
    assert!(matches!(client.refused_read(0).await, QueryResult::NotHeld));
    assert_eq!(client.export(None, 0, 9).await, Err(not_held()));
    assert_eq!(client.apply(0, 1, vec![]).await, Err(not_held()));
    assert_eq!(client.paper(0, PaperOp::Read(0, 9)).await.err(), Some(not_held()));
    assert_eq!(client.assign_numbered(1, SHARD, 0).await, Err(not_held()));
    client.finish((1, 1), &[], 3, 3).await.unwrap();
    assert!(matches!(client.refused_read(3).await, QueryResult::NotHeld), "not before it is told");
    assert_eq!(client.assign(SHARD, 4).await, Err(not_held()), "it has not so much");
    assert_eq!(client.assign(SHARD, 2).await, Err(stale()), "it knows of more");
    client.assign(SHARD, 3).await.unwrap();
    assert_eq!(client.keys(3).await, [1]);
    let holding = Holding { shard: SHARD.into(), held: Some(3), safe_point: 3 };
    assert_eq!(client.readopt().await, [holding]);
}

pub async fn pages_come_in_order(place: Place) {
    let (client, _) = Client::adopt(&place, 1).await;
    let no_start = Import { start: None, ..client.import_request(1, 0, &[]) };
    let late_start = Import { start: Some(ImportStart::Empty), ..client.import_request(1, 1, &[]) };
    for wrong in [no_start, late_start] {
        let refused = client.server.import(wrong).await;
        assert!(matches!(refused, Err(WireError::BadRequest { .. })), "{refused:?}");
    }
    assert_eq!(client.import((1, 1), &[]).await, Err(not_held()), "no join at all");
    client.import((1, 0), &[version(1, 1, NEVER)]).await.unwrap();
    client.import((1, 1), &[version(2, 1, NEVER)]).await.unwrap();
    for page in [0, 1, 3] {
        let refused = client.import((1, page), &[version(9, 1, NEVER)]).await;
        assert_eq!(refused, Err(stale()), "page {page} is not page 2");
    }
    client.finish((1, 2), &[], 1, 1).await.unwrap();
    client.assign(SHARD, 1).await.unwrap();
    assert_eq!(client.keys(1).await, [1, 2]);
}

pub async fn a_new_join_ends_the_one_before(place: Place) {
    let (client, _) = Client::adopt(&place, 1).await;
    client.import((5, 0), &[version(1, 1, NEVER)]).await.unwrap();
    client.import((6, 0), &[version(2, 1, NEVER)]).await.unwrap();
    assert_eq!(client.import((5, 1), &[]).await, Err(stale()));
    assert_eq!(client.import((5, 0), &[]).await, Err(stale()));
    assert_eq!(client.import((7, 1), &[]).await, Err(stale()), "a join starts with page 0");
    client.finish((6, 1), &[], 1, 1).await.unwrap();
    client.assign(SHARD, 1).await.unwrap();
    assert_eq!(client.keys(1).await, [2]);
}

pub async fn an_ended_join_takes_no_page(place: Place) {
    let (client, _) = Client::adopt(&place, 1).await;
    client.finish((1, 0), &[version(1, 1, NEVER)], 1, 1).await.unwrap();
    client.assign(SHARD, 1).await.unwrap();
    assert_eq!(client.import((1, 1), &[version(2, 1, NEVER)]).await, Err(stale()));
    assert_eq!(client.import((1, 0), &[]).await, Err(stale()));
    assert_eq!(client.keys(1).await, [1]);
}

pub async fn a_new_epoch_ends_a_join(place: Place) {
    let (mut client, _) = Client::adopt(&place, 1).await;
    client.import((5, 0), &[version(1, 1, NEVER)]).await.unwrap();
    assert_eq!(client.readopt().await[0].held, None);
    assert_eq!(client.import((5, 1), &[]).await, Err(stale()));
    assert_eq!(client.assign(SHARD, 0).await, Err(not_held()));
    client.finish((1, 0), &[version(2, 1, NEVER)], 1, 1).await.unwrap();
    client.assign(SHARD, 1).await.unwrap();
    assert_eq!(client.keys(1).await, [2]);
}

fn resume(client: &Client, join: u64, from: u64, versions: &[Version]) -> Import {
    let start = Some(ImportStart::Held(from));
    Import { start, ..client.import_request(join, 0, versions) }
}

pub async fn a_replica_resumes_from_what_it_held(place: Place) {
    let mut client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1), insert(2)]).await;
    client.write(1, 2, vec![update(1, "lost"), delete(2), insert(3)]).await;
    assert_eq!(client.readopt().await[0].held, Some(1));
    for (shard, from) in [(SHARD, 2), ("unknown", 0)] {
        let import = Import { shard: shard.into(), ..resume(&client, 1, from, &[]) };
        let refused = client.server.import(import).await;
        assert_eq!(refused, Err(WireError::NotHeld { shard: shard.into() }));
    }
    // Since then the others committed another term 2, and a term 3.
    let deltas = [version(1, 1, 3), version(4, 2, NEVER)];
    client.server.import(resume(&client, 1, 1, &deltas)).await.unwrap();
    client.finish((1, 1), &[], 3, 0).await.unwrap();
    client.assign(SHARD, 3).await.unwrap();
    assert_eq!(client.keys(1).await, [1, 2]);
    assert_eq!(client.rows(2).await[0].1, row(1, "new"));
    assert_eq!(client.keys(2).await, [1, 2, 4]);
    assert_eq!(client.keys(3).await, [2, 4]);
}

pub async fn a_resumed_join_may_break_off(place: Place) {
    let mut client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1), insert(2)]).await;
    client.write(1, 2, vec![]).await;
    client.readopt().await;
    let deltas = [version(1, 1, 2), version(4, 3, NEVER)];
    client.server.import(resume(&client, 1, 1, &deltas)).await.unwrap();
    assert!(matches!(client.refused_read(1).await, QueryResult::NotHeld));
    assert_eq!(client.apply(1, 1, vec![]).await, Err(not_held()));
    assert_eq!(client.readopt().await[0].held, Some(1), "up to there it is whole");
    assert_eq!(client.keys(1).await, [1, 2]);
    assert!(matches!(client.refused_read(2).await, QueryResult::NotHeld));
    assert_eq!(client.assign(SHARD, 3).await, Err(not_held()));
    client.assign(SHARD, 1).await.unwrap();
    client.write(1, 1, vec![insert(5)]).await;
    client.write(2, 2, vec![insert(6)]).await;
    assert_eq!(client.keys(3).await, [1, 2, 5, 6], "of the half copy nothing is left");
}

pub async fn a_replica_resumes_from_less_than_it_held(place: Place) {
    let mut client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1)]).await;
    client.write(1, 2, vec![insert(2)]).await;
    client.write(2, 3, vec![insert(3)]).await;
    assert_eq!(client.readopt().await[0].held, Some(2));
    client.server.import(resume(&client, 1, 1, &[version(2, 2, NEVER)])).await.unwrap();
    assert_eq!(client.readopt().await[0].held, Some(1), "the rest was undone, and is not back");
    let again = [version(2, 2, NEVER), version(4, 3, NEVER)];
    client.server.import(resume(&client, 1, 1, &again)).await.unwrap();
    client.finish((1, 1), &[], 3, 1).await.unwrap();
    client.assign(SHARD, 3).await.unwrap();
    assert_eq!(client.keys(3).await, [1, 2, 4]);
}

pub async fn an_assignment_ends_a_join_and_undoes_it(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1)]).await;
    client.write(1, 2, vec![]).await;
    let deltas = [version(1, 1, 2), version(4, 2, NEVER)];
    client.server.import(resume(&client, 1, 1, &deltas)).await.unwrap();
    client.assign(SHARD, 1).await.unwrap();
    assert_eq!(place.versions().await, 1);
    assert_eq!(client.export(None, 1, 9).await.unwrap(), [version(1, 1, NEVER)]);
    assert_eq!(client.import((1, 1), &deltas).await, Err(stale()));
    client.write(1, 3, vec![insert(5)]).await;
    assert_eq!(client.keys(2).await, [1, 5]);
}

pub async fn an_empty_start_removes_what_was_there(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1), insert(2)]).await;
    client.finish((1, 0), &[version(3, 1, NEVER)], 1, 1).await.unwrap();
    client.assign(SHARD, 1).await.unwrap();
    assert_eq!(client.keys(1).await, [3]);
    client.collect(0).await.unwrap();
    assert_eq!(place.versions().await, 1);
}
