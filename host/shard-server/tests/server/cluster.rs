//! A Postgres of the tests' own, started from the binaries of this machine and stopped when
//! the tests are done with it.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sqlx::{Connection, Executor};
use tempfile::TempDir;

pub struct Cluster {
    dir: TempDir,
    server: Child,
}

impl Cluster {
    pub async fn start() -> Self {
        let bin = binaries();
        let dir = TempDir::new().unwrap();
        let data = dir.path().join("data");
        let owner = owner();
        if let Some((uid, gid)) = owner {
            chown(dir.path(), Some(uid), Some(gid)).unwrap();
        }
        let initialized = command(&bin.join("initdb"), owner)
            .args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8"])
            .args(["--locale=C", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&initialized.stderr);
        assert!(initialized.status.success(), "initdb: {told}");
        let server = command(&bin.join("postgres"), owner)
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(dir.path())
            .args(["-c", "listen_addresses=", "-c", "max_connections=100"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let cluster = Cluster { dir, server };
        for _ in 0..300 {
            if sqlx::PgConnection::connect(&cluster.url("postgres")).await.is_ok() {
                return cluster;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("postgres did not start");
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.dir.path().display())
    }

    /// Creates an empty database.
    pub async fn database(&self, name: &str) -> String {
        let mut connection = sqlx::PgConnection::connect(&self.url("postgres")).await.unwrap();
        let sql = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        connection.execute(sqlx::raw_sql(sql)).await.unwrap();
        self.url(name)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // At once: nothing in it is worth a checkpoint.
        let _ = Command::new("kill").args(["-QUIT", &self.server.id().to_string()]).status();
        let _ = self.server.wait();
    }
}

/// The newest Postgres of this machine.
fn binaries() -> PathBuf {
    let packaged = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = packaged.map(|version| version.path().join("bin")).collect();
    found.sort();
    found.insert(0, "/usr/local/bin".into());
    let complete = |dir: &PathBuf| dir.join("initdb").exists() && dir.join("postgres").exists();
    found
        .into_iter()
        .rfind(complete)
        .unwrap_or_else(|| panic!("no Postgres on this machine: apt-get install postgresql"))
}

/// Postgres refuses to run as root; its own user comes with the package.
fn owner() -> Option<(u32, u32)> {
    let root =
        std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    root.then(|| {
        let users = std::fs::read_to_string("/etc/passwd").unwrap();
        let line = users.lines().find(|line| line.starts_with("postgres:"));
        let line = line.unwrap_or_else(|| panic!("no user postgres: apt-get install postgresql"));
        let ids: Vec<u32> = line.split(':').filter_map(|field| field.parse().ok()).collect();
        (ids[0], ids[1])
    })
}

fn command(program: &Path, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
    if let Some((uid, gid)) = owner {
        command.uid(uid).gid(gid);
    }
    command
}
