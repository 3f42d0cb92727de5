//! TCP: only where it is asked for, and never without the password.

use ringwright_postgres::{Password, Postgres, Settings, Tcp};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::place::{Place, connect, insert};

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn password(text: &str) -> Password {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    Password::read(file.path()).unwrap()
}

/// Whether the role is let in with that password.
async fn opens(port: u16, password: Option<&str>) -> Result<(), String> {
    let options = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .username("ringwright")
        .database("ringwright");
    let options =
        password.into_iter().fold(options, |options, password| options.password(password));
    let connection = options.connect().await.map_err(|error| error.to_string())?;
    connection.close().await.map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_early_is_not_refused_for_a_password_that_is_right() {
    let place = Place::new();
    let port = free_port();
    let early = tokio::spawn(async move {
        let mut told = Vec::new();
        while let Err(error) = opens(port, Some("right")).await {
            told.push(error);
            tokio::task::yield_now().await;
        }
        told
    });
    let tcp = Tcp { host: "127.0.0.1".into(), port, password: password("right") };
    let postgres = Postgres::start(Settings { tcp: Some(tcp), ..place.settings() }).await.unwrap();
    let told = early.await.unwrap();
    let wrong = |error: &&String| !error.contains("refused") && !error.contains("starting up");
    assert_eq!(told.iter().find(wrong), None);
    postgres.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_is_needed_and_can_be_changed() {
    let place = Place::new();
    let port = free_port();
    let start = async |text: &str| {
        let tcp = Tcp { host: "127.0.0.1".into(), port, password: password(text) };
        Postgres::start(Settings { tcp: Some(tcp), ..place.settings() }).await.unwrap()
    };
    let first = "it's \\ first";
    let postgres = start(first).await;
    insert(&postgres, &[1]).await;
    opens(port, Some(first)).await.unwrap();
    for wrong in [None, Some("second")] {
        assert!(opens(port, wrong).await.is_err(), "{wrong:?}");
    }
    let arguments = std::fs::read(format!("/proc/{}/cmdline", place.pid())).unwrap();
    assert!(!String::from_utf8_lossy(&arguments).contains("first"));
    postgres.stop().await.unwrap();

    let postgres = start("second").await;
    opens(port, Some("second")).await.unwrap();
    assert!(opens(port, Some(first)).await.is_err());
    postgres.stop().await.unwrap();

    // Not asked for, it is not there.
    let postgres = place.start().await;
    let listens: String = sqlx::query_scalar("SHOW listen_addresses")
        .fetch_one(&mut connect(&postgres).await)
        .await
        .unwrap();
    assert_eq!(listens, "");
    postgres.stop().await.unwrap();
}
