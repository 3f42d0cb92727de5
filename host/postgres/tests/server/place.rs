//! A folder for a Postgres, and a look at it from outside.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ringwright_postgres::{Postgres, Settings};
use sqlx::{ConnectOptions, Executor, PgConnection};
use tempfile::TempDir;

pub struct Place {
    dir: TempDir,
}

impl Place {
    pub fn new() -> Self {
        // Others may pass through: Postgres may run as another user than the tests.
        let open = Permissions::from_mode(0o711);
        Place { dir: tempfile::Builder::new().permissions(open).tempdir().unwrap() }
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("postgres")
    }

    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    pub fn settings(&self) -> Settings {
        Settings::new(self.path())
    }

    pub async fn start(&self) -> Postgres {
        Postgres::start(self.settings()).await.unwrap()
    }

    /// Why it does not start.
    pub async fn refusal(&self, settings: Settings) -> String {
        match Postgres::start(settings).await {
            Ok(_) => panic!("it started"),
            Err(error) => error.to_string(),
        }
    }

    /// The postmaster's number, as it says itself.
    pub fn pid(&self) -> u32 {
        let file = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        file.lines().next().unwrap().parse().unwrap()
    }

    /// What the data say of how Postgres ended.
    pub fn state(&self, binaries: &Path) -> String {
        let mut program = Command::new(binaries.join("pg_controldata"));
        let told = program.env("LC_ALL", "C").arg(self.data()).output().unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        let line = told.lines().find_map(|line| line.strip_prefix("Database cluster state:"));
        line.unwrap().trim().to_owned()
    }
}

/// Where the programs of one that runs are.
pub fn binaries(pid: u32) -> PathBuf {
    let program = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap();
    program.parent().unwrap().to_owned()
}

pub async fn connect(postgres: &Postgres) -> PgConnection {
    postgres.options().connect().await.unwrap()
}

/// Puts rows into a table.
pub async fn insert(postgres: &Postgres, rows: &[i32]) {
    let mut connection = connect(postgres).await;
    connection.execute("CREATE TABLE IF NOT EXISTS t (n INT)").await.unwrap();
    for row in rows {
        sqlx::query("INSERT INTO t VALUES ($1)").bind(row).execute(&mut connection).await.unwrap();
    }
}

/// The rows of that table.
pub async fn rows(postgres: &Postgres) -> Vec<i32> {
    let rows = sqlx::query_scalar("SELECT n FROM t ORDER BY n");
    rows.fetch_all(&mut connect(postgres).await).await.unwrap()
}

pub fn lives(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !status.is_empty() && !status.contains(") Z ")
}

pub fn signal(pid: u32, signal: &str) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).status();
    assert!(sent.unwrap().success());
}

/// Waits until something is so.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("still not so: {what}");
}
