//! The yardstick: `pgbench` against a Postgres as the servers have them, over TCP.
//!
//! One row a commit or a query, prepared statements, and nothing replicated or sharded: what the
//! database itself does on this machine.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use ringwright_postgres::{Password, Postgres, Settings, Tcp};
use ringwright_testbed::run;

use super::ROWS;
use super::load::{Kind, Measured};

/// Of the Postgres, which is no secret: it ends with the measurement.
const PASSWORD: &str = "yardstick";

/// Where the rows that are inserted begin; each client of each run has its own keys.
const CLIENT: u64 = 1 << 32;

/// Where it listens, and for how many clients.
const HOST: &str = "127.0.0.1";
const CONNECTIONS: u32 = 1000;

/// A Postgres, and pgbench.
pub struct Pgbench {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    runs: AtomicU32,
    _postgres: Postgres,
}

impl Pgbench {
    /// Starts the Postgres and fills its table.
    pub async fn start(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let file = folder.join("password");
        std::fs::write(&file, PASSWORD)?;
        let port = TcpListener::bind((HOST, 0))?.local_addr()?.port();
        let tcp = Tcp { host: HOST.to_owned(), port, password: Password::read(&file)? };
        let settings = Settings::new(folder.join("postgres"));
        let settings = Settings { tcp: Some(tcp), max_connections: CONNECTIONS, ..settings };
        let postgres = Postgres::start(settings).await?;
        let (program, folder, runs) = (find()?, folder.to_owned(), AtomicU32::new(0));
        let yardstick = Pgbench { program, folder, port, runs, _postgres: postgres };
        yardstick.fill()?;
        Ok(yardstick)
    }

    fn fill(&self) -> Result<()> {
        let mut sql = String::from(
            "DROP TABLE IF EXISTS student;\n\
             CREATE TABLE student (id bigint PRIMARY KEY, name text NOT NULL, marks text NOT NULL);\n",
        );
        writeln!(
            sql,
            "INSERT INTO student SELECT n, 'student ' || n, '0' FROM generate_series(0, {}) AS n;\n\
             VACUUM ANALYZE student;",
            ROWS - 1
        )?;
        let script = self.script("fill", &sql)?;
        run(self.pgbench().args(["--transactions", "1", "--file"]).arg(&script)).map(|_| ())
    }

    /// Lets so many clients ask for `time`, after a fifth of it that does not count.
    pub fn measure(&self, kind: Kind, clients: u16, time: Duration) -> Result<Measured> {
        let n = self.runs.fetch_add(1, Ordering::Relaxed);
        let sql = match kind {
            Kind::Read => format!(
                "\\set id random(0, {})\nSELECT id, name, marks FROM student WHERE id = :id;\n",
                ROWS - 1
            ),
            Kind::Insert => format!(
                "\\set n :n + 1\n\\set id ({n} * 1024 + :client_id + 1) * {CLIENT} + :n\n\
                 INSERT INTO student VALUES (:id, 'student', '0');\n"
            ),
            Kind::Update => format!(
                "\\set id random(0, {})\nUPDATE student SET marks = '1' WHERE id = :id;\n",
                ROWS - 1
            ),
        };
        let script = self.script("run", &sql)?;
        let log = self.folder.join(format!("log-{n}"));
        let seconds = (time.as_secs_f64() * 1.2).ceil().to_string();
        run(self
            .pgbench()
            .args(["--protocol", "prepared", "--define", "n=0", "--time", &seconds])
            .args(["--client", &clients.to_string(), "--log", "--log-prefix"])
            .arg(&log)
            .arg("--file")
            .arg(&script))?;
        let log = with_prefix(&self.folder, &format!("log-{n}."))?;
        let measured = counted(&std::fs::read_to_string(&log)?, time);
        std::fs::remove_file(&log)?;
        measured
    }

    fn pgbench(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["--no-vacuum", "--host", HOST, "--username", "ringwright"])
            .args(["--port", &self.port.to_string()])
            .env("PGDATABASE", "ringwright")
            .env("PGPASSWORD", PASSWORD);
        command
    }

    fn script(&self, name: &str, sql: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::write(&path, sql)?;
        Ok(path)
    }
}

/// What counts of pgbench's log: lines of client, number, microseconds, script, and when it was
/// done in seconds and microseconds.
fn counted(log: &str, time: Duration) -> Result<Measured> {
    let mut done: Vec<(u64, u64)> = Vec::new();
    for line in log.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [_, _, took, _, seconds, micros, ..] = words.as_slice() else {
            anyhow::bail!("pgbench's log: '{line}'");
        };
        let number = |word: &str| word.parse::<u64>().with_context(|| format!("'{line}'"));
        done.push((number(seconds)? * 1_000_000 + number(micros)?, number(took)?));
    }
    let began = done.iter().map(|(end, took)| end - took).min().context("pgbench did nothing")?;
    let begin = began + u64::try_from((time / 5).as_micros())?;
    let end = begin + u64::try_from(time.as_micros())?;
    let mut latencies = Histogram::<u64>::new(3)?;
    for (_, took) in done.iter().filter(|(at, took)| (begin..end).contains(&(at - took))) {
        latencies.record(*took)?;
    }
    Ok(Measured { latencies, time })
}

/// The file of a folder whose name begins so.
fn with_prefix(folder: &Path, prefix: &str) -> Result<PathBuf> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            return Ok(entry.path());
        }
    }
    anyhow::bail!("pgbench left no log {prefix}*")
}

/// pgbench in PATH, or among Debian's packages the newest.
fn find() -> Result<PathBuf> {
    if run(Command::new("pgbench").arg("--version")).is_ok() {
        return Ok("pgbench".into());
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions
        .map(|version| version.path().join("bin/pgbench"))
        .filter(|program| program.exists())
        .max()
        .context("pgbench is missing: apt-get install postgresql")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn what_begins_after_the_warm_up_and_before_the_end_counts() {
        // A second counts, after 0.2 s.
        let log = "0 1 100000 0 10 100000\n0 2 100000 0 10 250000\n0 3 700000 0 10 950000\n\
                   0 4 900000 0 11 850000\n0 5 10000 0 11 950000\n";
        let measured = counted(log, Duration::from_secs(1)).unwrap();
        assert_eq!(measured.latencies.len(), 2);
        assert!(measured.latencies.equivalent(measured.latencies.max(), 900_000));
        assert!(counted("", Duration::from_secs(1)).is_err());
        assert!(counted("pgbench: error", Duration::from_secs(1)).is_err());
    }
}
