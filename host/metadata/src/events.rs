//! The log of events: written beside the changes, and never together with one.

use std::time::{Duration, SystemTime};

use ringwright_model::{Event, EventId, EventKind};
use serde_json::{Value, json};

use crate::MetadataError;
use crate::apply::{self, is_for_good, refused, signed};
use crate::database::Database;
use crate::load::{from_json, unsigned};
use crate::query::{Query, query};

/// How many events are kept, the newest.
pub const KEPT_EVENTS: u32 = 10_000;

/// Keeps them, and lets go of the oldest.
pub(crate) async fn keep(database: &Database, events: &[Event]) -> Result<(), MetadataError> {
    const TRIM: &str = "
        DELETE FROM event
        WHERE id <= (SELECT id FROM event ORDER BY id DESC LIMIT 1 OFFSET $1)";
    let insert = insert(events)?;
    let mut tx = database.events().await?;
    tx.execute(insert).await.map_err(|error| match &error {
        sqlx::Error::Database(e) if is_for_good(&**e) => refused(e),
        _ => error.into(),
    })?;
    tx.execute(query(TRIM).bind(i64::from(KEPT_EVENTS))).await?;
    Ok(tx.commit().await?)
}

fn insert(events: &[Event]) -> Result<Query, MetadataError> {
    const KEEP: &str = "
        INSERT INTO event (id, at_ms, kind, server, shard, plugin, message, details)
        SELECT CAST(value->>0 AS BIGINT), CAST(value->>1 AS BIGINT),
            value->>2, value->>3, value->>4, value->>5, value->>6, value->>7
        FROM json_each($1) WHERE TRUE
        ON CONFLICT (id) DO NOTHING";
    let row = |Event { id, time, kind, server, shard, plugin, message, details }: &Event| {
        let (id, time, details) = (signed(*id)?, milliseconds(*time), apply::json(details)?);
        Ok(json!([id, time, kind, server, shard, plugin, message, details]))
    };
    let list: Vec<Value> = events.iter().map(row).collect::<Result<_, MetadataError>>()?;
    Ok(query(KEEP).bind(apply::json(&list)?))
}

/// The newest of those after a number, the oldest first. Kinds that a newer version has written
/// are left out.
pub(crate) async fn after(
    database: &Database,
    after: EventId,
    newest: u32,
) -> Result<Vec<Event>, MetadataError> {
    type Text = Option<String>;
    type Stored = (i64, i64, String, Text, Text, Text, String, String);
    const NEWEST: &str = "
        SELECT id, at_ms, kind, server, shard, plugin, message, details FROM event
        WHERE id > $1 ORDER BY id DESC LIMIT $2";
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let query = query(NEWEST).bind(after).bind(i64::from(newest));
    let rows: Vec<Stored> = database.rows(query).await?;
    let known = rows.into_iter().rev().filter_map(|(id, at, kind, server, shard, plugin, m, d)| {
        let kind = EventKind::named(&kind)?;
        let read = || {
            let (id, time) = (unsigned(id)?, time(unsigned(at)?));
            let details = from_json(d)?;
            Ok(Event { id, time, kind, server, shard, plugin, message: m, details })
        };
        Some(read())
    });
    known.collect()
}

/// Since 1970.
fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or_default()
}

fn time(milliseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds)
}
