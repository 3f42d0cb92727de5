//! A Postgres that answers no more.

use std::time::Duration;

use ringwright_shard_server::Storage;
use ringwright_wire::{Adopt, Read, ShardServer, Stamp, WireError};
use tokio::time::{pause, resume, timeout};

use crate::cluster::Cluster;

/// Longer than anything may take.
const BOUND: Duration = Duration::from_secs(61);

#[tokio::test]
async fn a_postgres_that_goes_silent_fails_what_it_is_asked_and_is_found_again() {
    let cluster = Cluster::start().await;
    let storage = Storage::open_postgres(cluster.database("silent").await).await.unwrap();
    let write = |epoch| storage.adopt(Adopt { epoch, cluster: "c".into() });
    let read = || {
        let stamp = Stamp { epoch: 1, incarnation: storage.incarnation().to_owned() };
        storage.read(Read { stamp, queries: vec![] })
    };
    write(1).await.unwrap();
    read().await.unwrap();

    cluster.freeze();
    pause();
    for _ in 0..2 {
        let (written, found) = tokio::join!(timeout(BOUND, write(1)), timeout(BOUND, read()));
        assert!(matches!(written, Ok(Err(WireError::Storage { .. }))), "{written:?}");
        assert!(matches!(found, Ok(Err(WireError::Storage { .. }))), "{found:?}");
    }
    resume();
    cluster.thaw();
    read().await.unwrap();
    write(2).await.unwrap();
    timeout(Duration::from_secs(5), storage.close()).await.unwrap();
}
