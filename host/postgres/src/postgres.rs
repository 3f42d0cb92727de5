//! A Postgres from its start to its end.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Executor};
use tokio::process::ChildStderr;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::account::Account;
use crate::binaries::Binaries;
use crate::cluster::{self, ROLE};
use crate::folder::{Folder, publish};
use crate::log::Log;
use crate::process::{AT_ONCE, Process};
use crate::socket::Socket;
use crate::{Password, PostgresError, Settings, leftover};

/// How often a starting Postgres is asked for a connection.
const POLL: Duration = Duration::from_millis(20);

/// What is said of one that takes a connection and says nothing.
const SILENT: &str = "it does not answer";

/// A Postgres that runs. Dropped, it is ended at once; the next start repairs what that leaves.
pub struct Postgres {
    process: Process,
    log: Log,
    socket: Socket,
    settings: Settings,
}

/// What a Postgres is started with.
struct Prepared {
    folder: Folder,
    socket: Socket,
    command: Command,
}

impl Postgres {
    /// Starts one on a folder, on the data there if any. It accepts connections when this
    /// returns, and has the database `ringwright`.
    ///
    /// Given up half-way (the future dropped), it leaves nothing that runs.
    ///
    /// # Errors
    /// What is missing or refused, or what Postgres said before it ended.
    pub async fn start(settings: Settings) -> Result<Self, PostgresError> {
        let password = settings.tcp.as_ref().map(|tcp| tcp.password.clone());
        let alone = Settings { tcp: None, ..settings.clone() };
        let (mut postgres, connection) = Self::begin(alone).await?;
        postgres.set_up(connection, password.as_ref()).await?;
        if password.is_some() {
            // Only now: whoever comes by TCP finds the database, and the password holds.
            postgres.stop().await?;
            (postgres, _) = Self::begin(settings).await?;
        }
        Ok(postgres)
    }

    /// Starts it, and waits until it accepts connections; gives the first.
    async fn begin(settings: Settings) -> Result<(Self, PgConnection), PostgresError> {
        let prepare = {
            let settings = settings.clone();
            move || prepare(&settings)
        };
        let Prepared { folder, socket, command } = tokio::task::spawn_blocking(prepare)
            .await
            .map_err(|error| PostgresError::system("the start of Postgres")(error.into()))??;
        let (process, stderr) = Process::start(command, folder.lock)?;
        tracing::info!(pid = process.pid, dir = %settings.dir.display(), "Postgres started");
        let stderr = ChildStderr::from_std(stderr).map_err(PostgresError::system("a pipe"))?;
        let log = Log::keep(stderr);
        let mut postgres = Postgres { process, log, socket, settings };
        let connection = postgres.ready().await?;
        Ok((postgres, connection))
    }

    /// How to connect to its database, by its Unix socket.
    pub fn options(&self) -> PgConnectOptions {
        self.options_for(ROLE)
    }

    /// Waits until it has exited; tells how, in the system's words.
    pub async fn exited(&self) -> String {
        self.process.exited().await
    }

    /// Ends it in good order: what runs is rolled back, and what was committed is put in place.
    /// Where that takes longer than the settings allow, it is ended at once.
    ///
    /// # Errors
    /// Where it does not end, not even by force.
    pub async fn stop(mut self) -> Result<(), PostgresError> {
        let limit = self.settings.stop_timeout;
        for (signal, limit) in
            [(Signal::INT, limit), (Signal::QUIT, AT_ONCE), (Signal::KILL, AT_ONCE)]
        {
            self.process.signal(signal)?;
            if let Ok(status) = timeout(limit, self.exited()).await {
                // Its last words are in our log before ours.
                self.log.end().await;
                tracing::info!(pid = self.process.pid, status, "Postgres ended");
                return Ok(());
            }
            tracing::warn!(pid = self.process.pid, ?signal, "Postgres does not end");
        }
        Err(PostgresError::Stuck)
    }

    fn options_for(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket.dir)
            .port(self.settings.port())
            .username(ROLE)
            .database(database)
    }

    /// Waits until it accepts connections; gives the first.
    async fn ready(&mut self) -> Result<PgConnection, PostgresError> {
        let options = self.options_for("postgres").disable_statement_logging();
        let deadline = Instant::now() + self.settings.start_timeout;
        loop {
            let error = tokio::select! {
                connected = timeout_at(deadline, options.connect()) => match connected {
                    Ok(Ok(connection)) => return Ok(connection),
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => SILENT.into(),
                },
                status = self.process.exited() => {
                    return Err(PostgresError::Exited { status, log: self.log.end().await });
                }
            };
            if Instant::now() >= deadline {
                return Err(self.slow(error));
            }
            sleep(POLL).await;
        }
    }

    fn slow(&self, error: String) -> PostgresError {
        PostgresError::Slow { limit: self.settings.start_timeout, error, log: self.log.tail() }
    }

    /// Makes what is needed in it; it is given as long again as for its start.
    async fn set_up(
        &self,
        connection: PgConnection,
        password: Option<&Password>,
    ) -> Result<(), PostgresError> {
        match timeout(self.settings.start_timeout, make(connection, password)).await {
            Ok(made) => Ok(made?),
            Err(_) => Err(self.slow(SILENT.into())),
        }
    }
}

/// Makes the database where there is none, and sets the password.
async fn make(mut connection: PgConnection, password: Option<&Password>) -> sqlx::Result<()> {
    let there: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
        .bind(ROLE)
        .fetch_optional(&mut connection)
        .await?;
    if there.is_none() {
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {ROLE}"));
        connection.execute(sqlx::raw_sql(create)).await?;
    }
    if let Some(password) = password {
        // Whatever becomes of the statement, it is in no log.
        let quiet = "SET log_statement = none; SET log_min_duration_statement = -1;
                     SET log_min_error_statement = panic";
        connection.execute(sqlx::raw_sql(quiet)).await?;
        let statement: String =
            sqlx::query_scalar("SELECT format('ALTER ROLE %I PASSWORD %L', $1, $2)")
                .bind(ROLE)
                .bind(password.reveal())
                .fetch_one(&mut connection)
                .await?;
        connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(statement))).await?;
    }
    connection.close().await
}

/// Makes the folder ready: what waits for programs and files, and not for Postgres itself.
fn prepare(settings: &Settings) -> Result<Prepared, PostgresError> {
    let binaries = Binaries::find(settings.binaries.as_deref())?;
    let account = Account::choose(&settings.user)?;
    let folder = Folder::open(&settings.dir, &account)?;
    leftover::end(&folder.data())?;
    cluster::prepare(&folder, &binaries, &account)?;
    let hba = match settings.tcp {
        Some(_) => "local all all trust\nhost all all all scram-sha-256\n",
        None => "local all all trust\n",
    };
    publish(&folder.hba(), hba)?;
    let socket = Socket::prepare(&folder, settings.port(), &account)?;
    let mut command = account.command(&binaries.postgres(), "QUIT");
    command.arg("-D").arg(folder.data());
    for (name, value) in settings.server() {
        command.args(["-c", &format!("{name}={value}")]);
    }
    command.arg("-c").arg(assignment("hba_file=", &folder.hba(), ""));
    // A list, in which a name may be quoted.
    command.arg("-c").arg(assignment("unix_socket_directories=\"", &socket.dir, "\""));
    Ok(Prepared { folder, socket, command })
}

/// A path as the value of a setting; it need be no UTF-8.
fn assignment(before: &str, path: &Path, after: &str) -> OsString {
    let mut text = OsString::from(before);
    text.push(path);
    text.push(after);
    text
}
