//! TCP: only where it is asked for, and never without the password.

use ringwright_postgres::{Password, Postgres, PostgresError, Settings, Tcp};
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

/// Settings with a port, and what opens it.
fn settings(place: &Place, port: u16, text: &str) -> Settings {
    let tcp = Tcp { host: "127.0.0.1".into(), port, password: password(text) };
    Settings { tcp: Some(tcp), ..place.settings() }
}

/// Fails but where somebody else had the port first, which was free a moment ago.
#[track_caller]
fn assert_taken(error: &PostgresError) {
    let told = error.to_string();
    assert!(told.contains("Address already in use"), "{told}");
}

/// Starts one on a free port, which is told.
async fn start(place: &Place, text: &str) -> (Postgres, u16) {
    loop {
        let port = free_port();
        match Postgres::start(settings(place, port, text)).await {
            Ok(postgres) => return (postgres, port),
            Err(error) => assert_taken(&error),
        }
    }
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
    let (_place, early, postgres) = loop {
        let (place, port) = (Place::new(), free_port());
        let early = tokio::spawn(async move {
            let mut told = Vec::new();
            while let Err(error) = opens(port, Some("right")).await {
                told.push(error);
                tokio::task::yield_now().await;
            }
            told
        });
        match Postgres::start(settings(&place, port, "right")).await {
            Ok(postgres) => break (place, early, postgres),
            Err(error) => assert_taken(&error),
        }
        early.abort();
    };
    let told = early.await.unwrap();
    let wrong = |error: &&String| !error.contains("refused") && !error.contains("starting up");
    assert_eq!(told.iter().find(wrong), None);
    postgres.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_is_needed_and_can_be_changed() {
    let place = Place::new();
    let first = "it's \\ first";
    let (postgres, port) = start(&place, first).await;
    insert(&postgres, &[1]).await;
    opens(port, Some(first)).await.unwrap();
    for wrong in [None, Some("second")] {
        assert!(opens(port, wrong).await.is_err(), "{wrong:?}");
    }
    let arguments = std::fs::read(format!("/proc/{}/cmdline", place.pid())).unwrap();
    assert!(!String::from_utf8_lossy(&arguments).contains("first"));
    postgres.stop().await.unwrap();

    let (postgres, port) = start(&place, "second").await;
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
