//! A shard server as a process: its folder and its silence; and Postgres going away under it.
//! Its signals are tested with the program that has a process of its own.

use std::path::Path;
use std::time::Duration;

use ringwright_shard_server::{Engine, RunError, Settings, Storage, run};
use ringwright_wire::{HttpShardServer, ShardServer};
use sqlx::{Connection, Executor};
use tempfile::TempDir;

use crate::client::*;
use crate::cluster::Cluster;

fn settings(dir: &Path, idle_exit: Option<Duration>) -> Settings {
    Settings {
        name: "Server0".into(),
        data_dir: dir.to_owned(),
        host: "127.0.0.1".into(),
        port: 0,
        engine: Engine::Sqlite,
        idle_exit,
        secret: None,
    }
}

async fn address(dir: &Path) -> String {
    for _ in 0..200 {
        if let Ok(address) = std::fs::read_to_string(dir.join("address")) {
            return address;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("no address");
}

#[tokio::test]
async fn an_address_is_there_only_while_somebody_listens() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("address"), "left by a crash").unwrap();
    let nowhere = Settings { host: "256.0.0.1".into(), ..settings(dir.path(), None) };
    let failed = run(nowhere).await;
    assert!(matches!(failed, Err(RunError::Listen { .. })), "{failed:?}");
    assert!(!dir.path().join("address").exists());
}

#[tokio::test]
async fn it_stops_when_nobody_asks_any_more() {
    let dir = TempDir::new().unwrap();
    let server = tokio::spawn(run(settings(dir.path(), Some(Duration::from_millis(600)))));
    let client = HttpShardServer::new(&address(dir.path()).await, Duration::from_secs(5));
    for _ in 0..6 {
        client.heartbeat().await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(!server.is_finished());
    tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap().unwrap();
    assert!(client.heartbeat().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_reconnects_to_a_postgres_that_went_away() {
    let cluster = Cluster::start().await;
    let url = cluster.database("data").await;
    let server = Storage::open_postgres(&url).await.unwrap();
    let stamp = ringwright_wire::Stamp {
        epoch: 1,
        incarnation: server.adopt(adopt(1)).await.unwrap().incarnation,
    };
    let client = Client { server: std::sync::Arc::new(server), stamp };
    client.assign(SHARD, 0).await.unwrap();
    for vat in 0..3 {
        client.write(vat, vat + 1, vec![insert(vat as i64)]).await;
        assert_eq!(client.keys(vat + 1).await.len() as u64, vat + 1);
        let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                      WHERE datname = 'data' AND pid <> pg_backend_pid()";
        connection.execute(others).await.unwrap();
    }
    assert_eq!(client.keys(3).await, [0, 1, 2]);
}
