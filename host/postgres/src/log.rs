//! What Postgres says: into our log, and its end kept.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::ChildStderr;
use tokio::task::JoinHandle;

const TAIL_LINES: usize = 10;

/// How long the last lines of a process that has ended are waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// The log of a Postgres.
pub(crate) struct Log {
    tail: Arc<Mutex<VecDeque<String>>>,
    reader: JoinHandle<()>,
}

impl Log {
    /// Takes it in from now on.
    pub(crate) fn keep(from: ChildStderr) -> Self {
        let tail = Arc::new(Mutex::new(VecDeque::new()));
        let reader = tokio::spawn(read(from, tail.clone()));
        Log { tail, reader }
    }

    /// The last lines of one that has ended.
    pub(crate) async fn end(&mut self) -> String {
        // A child that lives on may keep it open: the lines that came must do then.
        let _ = tokio::time::timeout(PATIENCE, &mut self.reader).await;
        self.tail()
    }

    /// The last lines.
    pub(crate) fn tail(&self) -> String {
        Vec::from(self.tail.lock().clone()).join("\n")
    }
}

async fn read(from: ChildStderr, tail: Arc<Mutex<VecDeque<String>>>) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    // A pipe that cannot be read is as one that has ended.
    while from.read_until(b'\n', &mut line).await.is_ok_and(|bytes| bytes > 0) {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        tell(&text);
        let mut tail = tail.lock();
        tail.push_back(text);
        if tail.len() > TAIL_LINES {
            tail.pop_front();
        }
        line.clear();
    }
}

/// What whoever comes too early is told, us among them: no news.
const EARLY: &str = "the database system is starting up";

/// Logs a line as severe as Postgres says it is.
fn tell(line: &str) {
    match line.split_once(':').map(|(severity, _)| severity) {
        _ if line.ends_with(EARLY) => tracing::debug!("Postgres: {line}"),
        Some("FATAL" | "PANIC") => tracing::error!("Postgres: {line}"),
        Some("ERROR" | "WARNING") => tracing::warn!("Postgres: {line}"),
        _ => tracing::info!("Postgres: {line}"),
    }
}
