//! A shard server as a process: its folder and its silence; and Postgres going away under it.
//! Its signals are tested with the program that has a process of its own.

use std::path::Path;
use std::time::Duration;

use ringwright_shard_server::{Engine, RunError, Settings, Storage, run};
use ringwright_wire::{HttpShardServer, Secret, ShardServer};
use sqlx::{ConnectOptions, Executor};
use tempfile::TempDir;

use crate::client::*;
use crate::cluster::{Cluster, open_dir};

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
    for _ in 0..2000 {
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
    let server = tokio::spawn(run(settings(dir.path(), Some(Duration::from_secs(3)))));
    let client = HttpShardServer::new(&address(dir.path()).await, Duration::from_secs(5));
    for _ in 0..8 {
        client.heartbeat().await.unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(!server.is_finished());
    tokio::time::timeout(Duration::from_secs(30), server).await.unwrap().unwrap().unwrap();
    assert!(client.heartbeat().await.is_err());
}

#[tokio::test]
async fn it_stops_though_strangers_ask() {
    let dir = TempDir::new().unwrap();
    let idle = settings(dir.path(), Some(Duration::from_millis(600)));
    let secret = Secret::new("0123456789abcdef").ok();
    let server = tokio::spawn(run(Settings { secret, ..idle }));
    let address = address(dir.path()).await;
    let another = Secret::new("0123456789abcdeX").ok();
    let stranger = HttpShardServer::new(&address, Duration::from_secs(5)).with_secret(another);
    let asks = async {
        // A refusal, and once it has stopped nothing at all.
        while !server.is_finished() {
            assert!(stranger.heartbeat().await.is_err());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), asks).await.unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_reconnects_to_a_postgres_that_went_away() {
    let cluster = Cluster::start().await;
    let options = cluster.database("data").await;
    let server = Storage::open_postgres(options.clone()).await.unwrap();
    let stamp = ringwright_wire::Stamp {
        epoch: 1,
        incarnation: server.adopt(adopt(1)).await.unwrap().incarnation,
    };
    let client = Client { server: std::sync::Arc::new(server), stamp };
    client.assign(SHARD, 0).await.unwrap();
    for vat in 0..3 {
        client.write(vat, vat + 1, vec![insert(vat as i64)]).await;
        assert_eq!(client.keys(vat + 1).await.len() as u64, vat + 1);
        let mut connection = options.connect().await.unwrap();
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                      WHERE datname = 'data' AND pid <> pg_backend_pid()";
        connection.execute(others).await.unwrap();
    }
    assert_eq!(client.keys(3).await, [0, 1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_lock_fails_a_write_and_hangs_nothing() {
    let cluster = Cluster::start().await;
    let options = cluster.database("data").await;
    let server = Storage::open_postgres(options.clone()).await.unwrap();
    server.adopt(adopt(1)).await.unwrap();
    let mut foreign = options.connect().await.unwrap();
    foreign.execute("BEGIN; LOCK TABLE server_state").await.unwrap();
    let refused = server.adopt(adopt(2)).await.unwrap_err().to_string();
    assert!(refused.contains("lock timeout"), "{refused}");
    foreign.execute("ROLLBACK").await.unwrap();
    server.adopt(adopt(2)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_ends_with_its_own_postgres() {
    let dir = open_dir();
    let own = Engine::Postgres(Box::new(Engine::own_postgres(dir.path())));
    let server = tokio::spawn(run(Settings { engine: own, ..settings(dir.path(), None) }));
    let client = HttpShardServer::new(&address(dir.path()).await, Duration::from_secs(5));
    client.adopt(adopt(1)).await.unwrap();
    let pid_file =
        std::fs::read_to_string(dir.path().join("postgres/data/postmaster.pid")).unwrap();
    let pid = pid_file.lines().next().unwrap();
    std::process::Command::new("kill").args(["-9", pid]).status().unwrap();
    let ended = server.await.unwrap();
    assert!(matches!(ended, Err(RunError::PostgresEnded(_))), "{ended:?}");
    assert!(!dir.path().join("address").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn data_of_the_other_engine_are_not_passed_over() {
    for (left, engine) in [("data.sqlite", "sqlite"), ("postgres", "postgres")] {
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join(left), "").unwrap();
        let other = match engine {
            "sqlite" => Engine::Postgres(Box::new(Engine::own_postgres(dir.path()))),
            _ => Engine::Sqlite,
        };
        let refused = run(Settings { engine: other, ..settings(dir.path(), None) }).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(&format!("--engine {engine}")), "{refused}");
    }
}
