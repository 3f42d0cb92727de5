//! A Postgres of the tests' own, and what may befall it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use parking_lot::Mutex;
use ringwright_postgres::{Postgres, Settings};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{ConnectOptions, Executor};
use tempfile::TempDir;

pub struct Cluster {
    dir: TempDir,
    postgres: Mutex<Option<Postgres>>,
}

impl Cluster {
    /// One that does not run yet.
    pub fn new() -> Self {
        // Others may pass through: Postgres may run as another user than the tests.
        let open = Permissions::from_mode(0o711);
        let dir = tempfile::Builder::new().permissions(open).tempdir().unwrap();
        Cluster { dir, postgres: Mutex::default() }
    }

    pub async fn started() -> Self {
        let cluster = Cluster::new();
        cluster.start().await;
        cluster
    }

    pub async fn start(&self) {
        let postgres = Postgres::start(Settings::new(self.path())).await.unwrap();
        *self.postgres.lock() = Some(postgres);
    }

    /// Creates an empty database.
    pub async fn database(&self, name: &str) -> String {
        let options = self.postgres.lock().as_ref().unwrap().options();
        let mut connection = options.connect().await.unwrap();
        let sql = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        connection.execute(sqlx::raw_sql(sql)).await.unwrap();
        options.database(name).to_url_lossy().into()
    }

    /// Ends it as a crash does.
    pub async fn kill(&self) {
        kill_process(self.postmaster(), Signal::KILL).unwrap();
        let postgres = self.postgres.lock().take().unwrap();
        postgres.exited().await;
    }

    /// Stops it without ending it: whoever asks it anything waits.
    pub fn freeze(&self) {
        self.signal_all(Signal::STOP);
    }

    pub fn thaw(&self) {
        self.signal_all(Signal::CONT);
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("postgres")
    }

    fn postmaster(&self) -> Pid {
        let file = std::fs::read_to_string(self.path().join("data/postmaster.pid")).unwrap();
        Pid::from_raw(file.lines().next().unwrap().parse().unwrap()).unwrap()
    }

    /// The postmaster first: it makes no more of the others then.
    fn signal_all(&self, signal: Signal) {
        let postmaster = self.postmaster();
        kill_process(postmaster, signal).unwrap();
        for process in std::fs::read_dir("/proc").unwrap().flatten() {
            let status = std::fs::read_to_string(process.path().join("status"));
            let parent = format!("PPid:\t{}\n", postmaster.as_raw_nonzero());
            if status.is_ok_and(|status| status.contains(&parent)) {
                let pid = process.file_name().to_str().unwrap().parse().unwrap();
                // It may have ended since.
                let _ = kill_process(Pid::from_raw(pid).unwrap(), signal);
            }
        }
    }
}
