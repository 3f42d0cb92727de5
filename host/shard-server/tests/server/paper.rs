//! Algorithm 1 as printed: its answers, and its losses.

use ringwright_wire::*;

use crate::client::*;
use crate::place::Place;

async fn write(client: &Client, vat: u64, op: Op) -> u64 {
    match client.paper(vat, PaperOp::Write(op)).await.unwrap() {
        PaperAnswer::Vat(term) => term,
        other => panic!("{other:?}"),
    }
}

async fn read(client: &Client, vat: u64) -> Vec<(i64, String)> {
    match client.paper(vat, PaperOp::Read(0, i64::MAX)).await.unwrap() {
        PaperAnswer::Rows(rows) => texts(rows),
        other => panic!("{other:?}"),
    }
}

pub async fn writes_get_the_papers_terms(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    assert_eq!(write(&client, 0, insert(1)).await, 1);
    assert_eq!(read(&client, 1).await, [(1, row(1, "new"))]);
    assert_eq!(write(&client, 1, update(1, "b")).await, 3, "an update spends two terms");
    assert_eq!(read(&client, 3).await, [(1, row(1, "b"))]);
    assert_eq!(write(&client, 3, delete(1)).await, 4);
    assert_eq!(read(&client, 4).await, []);
    // The server's own term runs ahead of the balancer's.
    assert_eq!(write(&client, 4, insert(2)).await, 5);
    assert_eq!(write(&client, 4, insert(3)).await, 6);
    assert_eq!(write(&client, 9, insert(4)).await, 10);
}

pub async fn a_read_loses_a_write_in_flight(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    assert_eq!(write(&client, 0, insert(1)).await, 1);
    assert_eq!(read(&client, 0).await, []);
    assert_eq!(read(&client, 1).await, [], "the balancer commits term 1, and the row is gone");
}

pub async fn a_late_read_loses_committed_rows(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    assert_eq!(write(&client, 0, insert(1)).await, 1);
    assert_eq!(write(&client, 1, insert(2)).await, 2);
    assert_eq!(write(&client, 2, delete(1)).await, 3);
    assert_eq!(read(&client, 3).await, [(2, row(2, "new"))]);
    assert_eq!(read(&client, 1).await, []);
    assert_eq!(place.versions().await, 0);
}

pub async fn what_cannot_be_done_is_refused(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    let refused = |answer| match answer {
        PaperAnswer::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    };
    let missing = client.paper(0, PaperOp::Write(delete(1))).await.unwrap();
    assert_eq!(refused(missing), Refusal { key: 1, reason: RefusalReason::Missing });
    write(&client, 0, insert(1)).await;
    let exists = client.paper(1, PaperOp::Write(insert(1))).await.unwrap();
    assert_eq!(refused(exists), Refusal { key: 1, reason: RefusalReason::Exists });
}
