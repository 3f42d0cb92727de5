//! How much a server says it holds.

use ringwright_wire::*;

use crate::client::*;
use crate::place::Place;

pub async fn rows_that_live_are_counted(place: Place) {
    let client = Client::holding(&place, &[SHARD, "sh2"]).await;
    assert_eq!(client.measure(&[SHARD]).await.unwrap(), [Some(Volume { rows: 0, bytes: 0 })]);
    client.write(0, 1, (0..1200).map(insert).collect()).await;
    client.write(1, 2, (0..100).map(|key| update(key, "new")).collect()).await;
    client.write(2, 3, (1000..1200).map(delete).collect()).await;
    client.apply_all(vec![batch("sh2", 0, 1, vec![vec![insert(7)]])]).await.unwrap();
    let volumes = client.measure(&["sh2", SHARD, "unknown"]).await.unwrap();
    let one = Volume { rows: 1, bytes: row(7, "new").len() as u64 };
    assert_eq!((volumes[0], volumes[2]), (Some(one), None), "in the order they are asked for");
    let Volume { rows, bytes } = volumes[1].unwrap();
    assert_eq!(rows, 1000);
    let exact: u64 = (0..1000).map(|key| row(key, "new").len() as u64).sum();
    assert!(bytes.abs_diff(exact) < exact / 50, "{bytes} is no estimate of {exact}");
}

pub async fn bytes_are_no_characters(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    let text = "\"ünï\"";
    client.write(0, 1, vec![Op::Insert { key: 1, row: text.into() }]).await;
    let volume = Volume { rows: 1, bytes: text.len() as u64 };
    assert_eq!(client.measure(&[SHARD]).await.unwrap(), [Some(volume)]);
}

pub async fn what_is_not_held_whole_is_not_measured(place: Place) {
    let client = Client::holding(&place, &[SHARD]).await;
    client.write(0, 1, vec![insert(1)]).await;
    client.import((1, 0), &[version(1, 1, NEVER)]).await.unwrap();
    assert_eq!(client.measure(&[SHARD]).await.unwrap(), [None]);
}
