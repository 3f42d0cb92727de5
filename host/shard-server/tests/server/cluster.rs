//! A Postgres of the tests' own, stopped when they are done with it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use ringwright_postgres::{Postgres, Settings};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Executor};
use tempfile::TempDir;

pub struct Cluster {
    // Ended before its folder is removed.
    postgres: Postgres,
    dir: TempDir,
}

impl Cluster {
    pub async fn start() -> Self {
        let dir = open_dir();
        let settings = Settings { max_connections: 100, ..Settings::new(dir.path().join("p")) };
        Cluster { postgres: Postgres::start(settings).await.unwrap(), dir }
    }

    /// Stops it without ending it: whoever asks it anything waits.
    pub fn freeze(&self) {
        self.signal_all("STOP");
    }

    pub fn thaw(&self) {
        self.signal_all("CONT");
    }

    /// The postmaster first: it makes no more of the others then.
    fn signal_all(&self, signal: &str) {
        let file = self.dir.path().join("p/data/postmaster.pid");
        let file = std::fs::read_to_string(file).unwrap();
        let postmaster = file.lines().next().unwrap();
        let children = format!("/proc/{postmaster}/task/{postmaster}/children");
        let send = |to: &str| {
            // One of them may have ended since.
            let _ = Command::new("kill").arg(format!("-{signal}")).args(to.split(' ')).status();
        };
        send(postmaster);
        send(std::fs::read_to_string(children).unwrap().trim());
    }

    /// Creates an empty database.
    pub async fn database(&self, name: &str) -> PgConnectOptions {
        let mut connection = self.postgres.options().connect().await.unwrap();
        let sql = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        connection.execute(sqlx::raw_sql(sql)).await.unwrap();
        self.postgres.options().database(name)
    }
}

/// A folder that others may pass through: Postgres may run as another user than the tests.
pub fn open_dir() -> TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o711)).tempdir().unwrap()
}
