//! A shard server as a process.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::serve::ListenerExt;
use ringwright_postgres::PostgresError;
use ringwright_wire::{Secret, WireError};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::engine::Opened;
use crate::{Engine, guard, router};

/// How long requests under way may still take once the server is to stop.
const GRACE: Duration = Duration::from_secs(7);

/// How to run a shard server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name, for people.
    pub name: String,
    /// The folder it owns: its lock, address and pid, and the SQLite file.
    pub data_dir: PathBuf,
    /// The address it listens on.
    pub host: String,
    /// The port; 0 takes any that is free.
    pub port: u16,
    /// Where it keeps the data.
    pub engine: Engine,
    /// Stops when no request that may be answered has come for so long: nobody is in charge any
    /// more.
    pub idle_exit: Option<Duration>,
    /// What it knows its balancer by; without one it answers anybody.
    pub secret: Option<Secret>,
}

/// Why a shard server could not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another process owns the folder.
    #[error("{0} is in use by another shard server")]
    InUse(PathBuf),
    /// A file of the folder.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// The address could not be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: String,
        /// What went wrong.
        error: io::Error,
    },
    /// The database could not be opened.
    #[error(transparent)]
    Storage(#[from] WireError),
    /// The folder holds data of another engine.
    #[error(
        "the data in {} are in {engine}: run it with --engine {engine}, or with another folder",
        dir.display()
    )]
    OtherEngine {
        /// The folder.
        dir: PathBuf,
        /// The engine the data are in.
        engine: &'static str,
    },
    /// Its own Postgres could not be run.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// Its own Postgres ended, and nobody had asked it to.
    #[error("its Postgres ended ({0})")]
    PostgresEnded(String),
    /// The server broke.
    #[error("the server failed: {0}")]
    Serve(#[source] io::Error),
}

/// Serves until SIGTERM, SIGINT, or a long silence.
///
/// # Errors
/// What keeps it from running, or its Postgres that ends; nothing once it has started well and is
/// told to stop.
pub async fn run(settings: Settings) -> Result<(), RunError> {
    let dir = &settings.data_dir;
    std::fs::create_dir_all(dir).map_err(at(dir))?;
    let _lock = lock(dir)?;
    // One left by a crash would send people to whoever has that port now.
    remove(&dir.join("address"))?;
    let mut signals = Signals::listen()?;
    let opened = tokio::select! {
        opened = settings.engine.open(dir) => opened?,
        signal = signals.wait() => {
            tracing::info!(reason = signal, "stopping");
            return Ok(());
        }
    };
    let served = serve(&settings, &opened, signals).await;
    let closed = opened.close().await;
    remove(&dir.join("address"))?;
    served.and(closed)
}

/// Serves what was opened.
async fn serve(settings: &Settings, opened: &Opened, mut signals: Signals) -> Result<(), RunError> {
    let Settings { name, data_dir, host, port, idle_exit, .. } = settings;
    let (listener, address) = listen(host, *port).await?;
    replace(&data_dir.join("pid"), &std::process::id().to_string())?;
    replace(&data_dir.join("address"), &address.to_string())?;
    let incarnation = opened.storage.incarnation();
    tracing::info!(name, %address, incarnation, "serving");

    let seen = watch::Sender::new(Instant::now());
    let silence = silence(seen.clone(), *idle_exit);
    let note = move |request: Request, next: Next| {
        seen.send_replace(Instant::now());
        next.run(request)
    };
    if settings.secret.is_none() && !address.ip().is_loopback() {
        tracing::warn!(%address, "no --secret-file: whoever reaches this server may change its data");
    }
    let router = router(name, opened.storage.clone()).layer(middleware::from_fn(note));
    let app = guard(router, settings.secret.clone());
    let nodelay = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
    });
    let (stopping, mut stopped) = watch::channel(false);
    let serve = axum::serve(nodelay, app).with_graceful_shutdown(async move {
        let reason = tokio::select! {
            signal = signals.wait() => signal,
            () = silence => "no request came",
        };
        tracing::info!(reason, "stopping");
        stopping.send_replace(true);
    });
    let overdue = async {
        // An error means that the server has gone, which the other branch tells.
        let _ = stopped.wait_for(|stop| *stop).await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = serve => served.map_err(RunError::Serve),
        () = overdue => Ok(()),
        status = opened.exited() => Err(RunError::PostgresEnded(status)),
    }
}

/// The signals that tell a server to stop.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> Result<Self, RunError> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate()).map_err(RunError::Serve)?,
            interrupt: signal(SignalKind::interrupt()).map_err(RunError::Serve)?,
        })
    }

    /// Waits for one.
    async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Waits until no request has come for as long as is allowed.
async fn silence(seen: watch::Sender<Instant>, allowed: Option<Duration>) {
    let Some(allowed) = allowed else { return std::future::pending().await };
    loop {
        let quiet = seen.borrow().elapsed();
        match allowed.checked_sub(quiet) {
            Some(left) if !left.is_zero() => tokio::time::sleep(left).await,
            _ => return,
        }
    }
}

/// Takes the folder for as long as the file stays open.
fn lock(dir: &Path) -> Result<File, RunError> {
    let path = dir.join("server.lock");
    let file = File::options().create(true).append(true).open(&path).map_err(at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RunError::InUse(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(at(&path)(error)),
    }
}

async fn listen(host: &str, port: u16) -> Result<(TcpListener, SocketAddr), RunError> {
    let failed = |error| RunError::Listen { address: format!("{host}:{port}"), error };
    let listener = TcpListener::bind((host, port)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Writes a file so that nobody sees half of it.
fn replace(path: &Path, text: &str) -> Result<(), RunError> {
    let temporary = path.with_extension("new");
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(&temporary, path)
    };
    write().map_err(at(path))
}

fn remove(path: &Path) -> Result<(), RunError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> RunError {
    let path = path.to_owned();
    move |error| RunError::File { path, error }
}
