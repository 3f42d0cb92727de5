//! Postgres as the metadata's database: one database a cluster, named in the URL.

use std::sync::Arc;
use std::time::Duration;

use ringwright_postgres::{Connections, Session};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tokio::time::{Instant, sleep, timeout};

use crate::MetadataError;
use crate::database::{Database, PATIENCE, READERS, Transaction, bounded};
use crate::layout::{LAYOUT, lay_out};
use crate::query::query;

/// How long a Postgres may take to turn up that is started together with the balancer.
const START: Duration = Duration::from_secs(60);

/// How often it is looked for.
const LOOK: Duration = Duration::from_secs(2);

/// A role may have turned durability off; a commit point needs it. The rest keeps what a lost
/// balancer left behind from standing in the next one's way: above all the row of the charge,
/// locked by a transaction that nobody will end.
const SESSION: [(&str, &str); 5] = [
    ("synchronous_commit", "on"),
    ("idle_in_transaction_session_timeout", "2s"),
    ("lock_timeout", "10s"),
    ("statement_timeout", "10s"),
    ("tcp_keepalives_idle", "30"),
];

/// Two balancers may find the same new database: the second waits for the first.
const ALONE: &str = "BEGIN; SELECT pg_advisory_xact_lock(7464207)";

const MARK: &str = "
    CREATE TABLE IF NOT EXISTS layout (
        id BIGINT PRIMARY KEY CHECK (id = 1),
        version BIGINT NOT NULL
    );
";

const JSON_EACH: &str = "
    CREATE OR REPLACE FUNCTION json_each(text) RETURNS TABLE (value jsonb)
    LANGUAGE sql IMMUTABLE AS 'SELECT jsonb_array_elements($1::jsonb)';
";

/// Opens the database, and makes its tables where there are none.
pub(crate) async fn open(url: &str, password: Option<&str>) -> Result<Database, MetadataError> {
    let mut options: PgConnectOptions = url.parse()?;
    if let Some(password) = password {
        options = options.password(password);
    }
    let options =
        options.application_name("ringwright").options(SESSION).disable_statement_logging();
    let place = place(&options);
    let writer = Connections::new(options.clone(), 1);
    let mut tx = Transaction::Postgres(first(&writer, &place).await?);
    bounded(PATIENCE, async {
        prepare(&mut tx, &place).await?;
        Ok(tx.commit().await?)
    })
    .await?;
    let charge = Connections::new(options.clone(), 1);
    let events = Connections::new(options.clone(), 1);
    Ok(Database::Postgres { writer, charge, events, readers: Connections::new(options, READERS) })
}

/// What is said of it: the URL may hold a password.
fn place(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or(options.get_username());
    format!("database {database} at {}:{}", options.get_host(), options.get_port())
}

/// The first transaction; waits for a Postgres that is not there yet.
async fn first(connections: &Arc<Connections>, place: &str) -> Result<Session, MetadataError> {
    let begun = Instant::now();
    loop {
        let error = match timeout(PATIENCE, connections.begin(ALONE)).await {
            Ok(Ok(session)) => return Ok(session),
            Ok(Err(error)) if !may_turn_up(&error) => return Err(error.into()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {PATIENCE:?}"),
        };
        if begun.elapsed() >= START {
            let why = format!("{place} cannot be reached after {START:?}: {error}");
            return Err(MetadataError::Unavailable(why));
        }
        tracing::warn!(place, error, "waiting for the Postgres of the metadata");
        sleep(LOOK).await;
    }
}

/// Whether nobody listens, or somebody who is not ready; a wrong password stays wrong.
fn may_turn_up(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        // Class 57: it starts, or stops; 53: too many are connected; 55: the layout's lock.
        sqlx::Error::Database(e) => {
            e.code().is_some_and(|code| ["57", "53", "55"].iter().any(|c| code.starts_with(c)))
        }
        _ => false,
    }
}

async fn prepare(tx: &mut Transaction, place: &str) -> Result<(), MetadataError> {
    tx.script(MARK).await?;
    let found = tx.row(query("SELECT version FROM layout")).await?.map_or(0, |(layout,)| layout);
    lay_out(tx, found, place).await?;
    if found < LAYOUT {
        tx.script(JSON_EACH).await?;
        const SET: &str = "
            INSERT INTO layout VALUES (1, $1)
            ON CONFLICT (id) DO UPDATE SET version = excluded.version";
        tx.execute(query(SET).bind(LAYOUT)).await?;
    }
    Ok(())
}
