//! A Postgres that is not there yet, is killed, or answers no more.
//!
//! Where time would pass it is paused: whoever waits for nothing but time goes on at once.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ringwright_metadata::{MetadataError, MetadataStore, SqlStore};
use tokio::time::{Instant, pause, resume, sleep, timeout};

use crate::cluster::Cluster;
use crate::home::*;

/// The longest that a call may take.
const BOUND: Duration = Duration::from_millis(10_100);

async fn postgres() -> (Arc<Cluster>, Home, SqlStore) {
    let cluster = Arc::new(Cluster::started().await);
    let home = Home::postgres(&cluster).await;
    let store = small(&home).await;
    // Several connections are kept.
    tokio::join!(async { vats(&store).await }, async { vats(&store).await });
    (cluster, home, store)
}

fn is_unknown<T>(result: Result<T, MetadataError>) -> bool {
    matches!(result, Err(MetadataError::Storage(_) | MetadataError::Unavailable(_)))
}

#[tokio::test]
async fn a_postgres_that_was_killed_is_found_again() {
    let (cluster, _home, store) = postgres().await;
    store.apply(1, &[raise("s1", 1)]).await.unwrap();
    cluster.kill().await;
    for _ in 0..2 {
        assert!(is_unknown(store.renew(1).await));
        assert!(is_unknown(store.apply(1, &[raise("s1", 2)]).await));
        assert!(is_unknown(store.load().await));
    }
    cluster.start().await;
    store.renew(1).await.unwrap();
    assert_eq!(vats(&store).await, [1, 0]);
    store.apply(1, &[raise("s1", 2)]).await.unwrap();
    assert_eq!(vats(&store).await, [2, 0]);
}

#[tokio::test]
async fn connections_that_died_unnoticed_fail_no_call() {
    let (cluster, _home, store) = postgres().await;
    cluster.kill().await;
    cluster.start().await;
    store.apply(1, &[raise("s1", 2)]).await.unwrap();
    let (one, other) = tokio::join!(vats(&store), vats(&store));
    assert_eq!((one, other), (vec![2, 0], vec![2, 0]));
}

#[tokio::test]
async fn a_postgres_that_answers_no_more_is_waited_for_so_long() {
    let (cluster, _home, store) = postgres().await;
    let changes = [raise("s1", 1)];
    cluster.freeze();
    pause();
    for _ in 0..2 {
        let begun = Instant::now();
        let (renewed, applied, loaded) =
            tokio::join!(store.renew(1), store.apply(1, &changes), store.load());
        assert!(is_unknown(renewed) && is_unknown(applied) && is_unknown(loaded));
        assert!(begun.elapsed() <= BOUND, "{:?}", begun.elapsed());
    }
    resume();
    cluster.thaw();
    store.apply(1, &[raise("s1", 2)]).await.unwrap();
    assert_eq!(vats(&store).await, [2, 0]);
}

#[tokio::test]
async fn a_call_that_was_given_up_holds_up_no_other() {
    let (cluster, _home, store) = postgres().await;
    cluster.freeze();
    let given_up = timeout(Duration::from_millis(100), store.apply(1, &[raise("s1", 1)])).await;
    assert!(given_up.is_err());
    cluster.thaw();
    let begun = Instant::now();
    store.renew(1).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "nobody waits for its connection");
}

#[tokio::test]
async fn a_postgres_that_starts_later_is_waited_for() {
    let cluster = Arc::new(Cluster::started().await);
    let home = Home::postgres(&cluster).await;
    cluster.kill().await;
    let opening = tokio::spawn({
        let home = home.clone();
        async move { home.try_open().await }
    });
    sleep(Duration::from_millis(100)).await;
    assert!(!opening.is_finished());
    cluster.start().await;
    opening.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_postgres_that_does_not_turn_up_is_named_without_its_password() {
    pause();
    let url = "postgres://me:secret@127.0.0.1:1/meta";
    let error = SqlStore::open_postgres(url, None).await.unwrap_err();
    assert!(matches!(error, MetadataError::Unavailable(_)), "{error:?}");
    let told = error.to_string();
    assert!(told.contains("database meta at 127.0.0.1:1"), "{told}");
    assert!(!format!("{error:?} {told}").contains("secret"), "{told}");
}

#[tokio::test]
async fn what_waiting_does_not_cure_is_told_at_once() {
    let (_cluster, home, _store) = postgres().await;
    let Home::Postgres(_, url) = &home else { unreachable!() };
    let nowhere = url.replace("home_", "nowhere_");
    let limit = Duration::from_secs(20); // it would wait for a minute
    let refused = timeout(limit, SqlStore::open_postgres(&nowhere, None)).await.unwrap();
    assert!(refused.unwrap_err().to_string().contains("does not exist"));
}

#[tokio::test]
async fn a_write_that_gets_no_answer_does_not_cost_the_charge() {
    let (_cluster, _home, store) = postgres().await;
    let changes: Vec<_> = (100..10_100).map(|n| put_server(n, &format!("n{n}"), None)).collect();
    let mut standing = pin!(store.apply(1, &changes));
    // It has the connection that writes, and for a while the row of the charge.
    assert!(timeout(Duration::from_millis(50), &mut standing).await.is_err());
    store.renew(1).await.unwrap();
}

#[tokio::test]
async fn a_balancer_that_stands_still_in_a_transaction_does_not_keep_the_charge() {
    let (_cluster, home, store) = postgres().await;
    let other = home.open().await;
    let seen = store.charge().await.unwrap();
    let changes: Vec<_> = (100..10_100).map(|n| put_server(n, &format!("n{n}"), None)).collect();
    let mut standing = pin!(store.apply(1, &changes));
    // Begun, and not asked for any more.
    assert!(timeout(Duration::from_millis(50), &mut standing).await.is_err());
    assert_eq!(other.take_charge("other", TERM, &seen).await.unwrap(), Some(2));
    assert!(standing.await.is_err());
}
