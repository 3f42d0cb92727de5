//! The tables, in words SQLite and Postgres share, and how those of older versions are brought up.

use crate::MetadataError;
use crate::database::Transaction;
use crate::query::query;

/// The layout after all the steps below; each database remembers which one it has.
pub(crate) const LAYOUT: i64 = 4;

/// A new database becomes layout 1.
const TABLES: &str = "
    CREATE TABLE charge (
        id BIGINT PRIMARY KEY CHECK (id = 1),
        epoch BIGINT NOT NULL,
        holder TEXT NOT NULL,
        beat BIGINT NOT NULL,
        released BOOLEAN NOT NULL
    );
    INSERT INTO charge VALUES (1, 0, '', 0, FALSE);
    CREATE TABLE configuration (
        id BIGINT PRIMARY KEY CHECK (id = 1),
        cluster_id TEXT NOT NULL,
        protocol TEXT,
        table_schema TEXT,
        sharding TEXT NOT NULL,
        hash_plugin TEXT,
        placement_plugin TEXT
    );
    CREATE TABLE shard_t (
        position BIGINT NOT NULL,
        id TEXT PRIMARY KEY,
        low BIGINT NOT NULL,
        size BIGINT NOT NULL,
        valid_at BIGINT NOT NULL
    );
    CREATE TABLE server (
        position BIGINT NOT NULL,
        id BIGINT NOT NULL UNIQUE,
        name TEXT PRIMARY KEY,
        incarnation TEXT
    );
    CREATE TABLE map_t (
        shard TEXT NOT NULL REFERENCES shard_t (id),
        server TEXT NOT NULL REFERENCES server (name) ON DELETE CASCADE,
        state TEXT NOT NULL,
        PRIMARY KEY (shard, server)
    );
    CREATE TABLE ring (
        slot BIGINT PRIMARY KEY,
        virtual_node BIGINT NOT NULL,
        server TEXT NOT NULL
    );
    CREATE TABLE remembered (
        key TEXT PRIMARY KEY,
        fingerprint TEXT NOT NULL,
        answer TEXT NOT NULL,
        at BIGINT NOT NULL
    );
    CREATE INDEX remembered_at ON remembered (at);
";

/// Layout 1 becomes layout 2: attributes of servers.
const ATTRIBUTES: &str = "
    ALTER TABLE server ADD COLUMN weight BIGINT NOT NULL DEFAULT 1;
    ALTER TABLE server ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';
";

/// Layout 2 becomes layout 3: the term of the charge. A holder of before did not tell it.
const TERM: &str = "
    ALTER TABLE charge ADD COLUMN term_ms BIGINT NOT NULL DEFAULT 0;
";

/// Layout 3 becomes layout 4: the log of events.
const EVENTS: &str = "
    CREATE TABLE event (
        id BIGINT PRIMARY KEY,
        at_ms BIGINT NOT NULL,
        kind TEXT NOT NULL,
        server TEXT,
        shard TEXT,
        plugin TEXT,
        message TEXT NOT NULL,
        details TEXT NOT NULL
    );
";

/// Brings tables of the layout `found` to the present one; 0 is none at all. Refuses one that we
/// do not know.
pub(crate) async fn lay_out(
    tx: &mut Transaction,
    found: i64,
    place: &str,
) -> Result<(), MetadataError> {
    if found > LAYOUT {
        return Err(MetadataError::Corrupt(format!(
            "{place} was written by a newer Ringwright: it has layout {found}, and this one knows \
             layouts up to {LAYOUT}"
        )));
    }
    if found < 1 {
        tx.script(TABLES).await?;
        let cluster_id = format!("{:032x}", rand::random::<u128>());
        const NEW: &str =
            "INSERT INTO configuration VALUES (1, $1, NULL, NULL, 'range', NULL, NULL)";
        tx.execute(query(NEW).bind(cluster_id)).await?;
    }
    if found < 2 {
        tx.script(ATTRIBUTES).await?;
    }
    if found < 3 {
        tx.script(TERM).await?;
    }
    if found < 4 {
        tx.script(EVENTS).await?;
    }
    Ok(())
}
