//! The paper's routes: a shard server as its balancer knew it.
//!
//! They go by the rules of the storage. A payload's `epoch` stands for the stamp; left out, it
//! means a server that no balancer has adopted.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, TryStreamExt};
use ringwright_model::{Row, Schema, Term};
use ringwright_wire::{Op, QueryResult, RangeQuery, Read, ShardServer, Stamp, WireError};
use serde::Serialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::Server;
use super::copy::{self, Wanted};
use super::failure::Failure;
use super::payload::{Fields, Payload};
use crate::local::{Configure, LocalWrite};

type Answer = Result<Response, Failure>;

/// `POST /config`
pub(super) async fn config(State(server): State<Server>, Payload(body): Payload) -> Answer {
    let fields = Fields::parse(&body)?;
    let schema: Fields = fields.get("schema")?;
    let schema = Schema { columns: schema.get("columns")?, dtypes: schema.get("dtypes")? };
    schema.check()?;
    let shards: Vec<String> = fields.get("shards")?;
    let named: Vec<String> = shards.iter().map(|s| format!("{}:{s}", server.name)).collect();
    let configure = Configure {
        epoch: fields.maybe("epoch")?.unwrap_or(0),
        schema: json!(schema).to_string(),
        shards,
    };
    server.storage.configure(configure).await?;
    done(json!({ "message": format!("{} configured", named.join(", ")), "status": "success" }))
}

/// `GET /copy`
pub(super) async fn copy(
    State(server): State<Server>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Payload(body): Payload,
) -> Answer {
    let wanted = match query {
        Some(query) if body.is_empty() => Wanted::from_query(&query)?,
        _ => Wanted::from_fields(&Fields::parse(&body)?)?,
    };
    let rows = copy::rows(server.storage.clone(), wanted).await?;
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if accept.contains("application/x-ndjson") {
        let lines = rows.map(|page| {
            let (_, rows) = page.map_err(io::Error::other)?;
            let lines = rows.iter().flat_map(|row| [row.get(), "\n"]);
            Ok::<String, io::Error>(lines.collect())
        });
        let body = Body::from_stream(lines);
        return Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response());
    }
    let mut shards: BTreeMap<String, Vec<Box<RawValue>>> = BTreeMap::new();
    let mut rows = std::pin::pin!(rows);
    while let Some((shard, page)) = rows.try_next().await? {
        shards.entry(shard).or_default().extend(page);
    }
    let mut answer = BTreeMap::from([("status".to_owned(), json_text("success")?)]);
    for (shard, rows) in shards {
        answer.insert(shard, json_text(&rows)?);
    }
    done(answer)
}

/// `POST /read`
pub(super) async fn read(State(server): State<Server>, Payload(body): Payload) -> Answer {
    let fields = Fields::parse(&body)?;
    let schema = schema(&server)?;
    let keys: Fields = fields.get(schema.key_column())?;
    let shard: String = fields.get("shard")?;
    let stamp = Stamp {
        epoch: fields.maybe("epoch")?.unwrap_or(0),
        incarnation: server.storage.incarnation().to_owned(),
    };
    let query = RangeQuery {
        shard: shard.clone(),
        vat: fields.get("valid_at")?,
        low: keys.key("low")?,
        high: keys.key("high")?,
    };
    let answer = server.storage.read(Read { stamp, queries: vec![query] }).await?;
    match answer.results.into_iter().next() {
        Some(QueryResult::Rows(rows)) => {
            let data: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
            done(BTreeMap::from([("data", json_text(&data)?), ("status", json_text("success")?)]))
        }
        Some(QueryResult::BelowSafePoint(safe_point)) => {
            Err(WireError::BelowSafePoint { shard, safe_point }.into())
        }
        Some(QueryResult::NotHeld) | None => Err(WireError::NotHeld { shard }.into()),
    }
}

/// `POST /write`
pub(super) async fn write(State(server): State<Server>, Payload(body): Payload) -> Answer {
    let fields = Fields::parse(&body)?;
    let schema = schema(&server)?;
    let rows: Vec<Box<RawValue>> = fields.get("data")?;
    let mut ops = Vec::with_capacity(rows.len());
    for raw in &rows {
        let row = Row::parse(&schema, raw, None)?;
        ops.push(Op::Insert { key: row.key, row: row.json });
    }
    let message = format!("{} Data entries added", rows.len());
    change(&server, &fields, ops, message).await
}

/// `PUT /update`
pub(super) async fn update(State(server): State<Server>, Payload(body): Payload) -> Answer {
    let fields = Fields::parse(&body)?;
    let schema = schema(&server)?;
    let column = schema.key_column();
    let key = fields.key(column)?;
    let data: Box<RawValue> = fields.get("data")?;
    let row = Row::parse(&schema, &data, Some(key))?;
    if row.key != key {
        return Err(Failure::bad(format!("field '{column}' may not change from {key}")));
    }
    let ops = vec![Op::Update { key, row: row.json }];
    change(&server, &fields, ops, format!("Data entry for {column}: {key} updated")).await
}

/// `DELETE /del`
pub(super) async fn del(State(server): State<Server>, Payload(body): Payload) -> Answer {
    let fields = Fields::parse(&body)?;
    let schema = schema(&server)?;
    let column = schema.key_column();
    let key = fields.key(column)?;
    let ops = vec![Op::Delete { key }];
    change(&server, &fields, ops, format!("Data entry with {column}:{key} removed")).await
}

/// What the three writes share.
async fn change(server: &Server, fields: &Fields, ops: Vec<Op>, message: String) -> Answer {
    let write = LocalWrite {
        epoch: fields.maybe("epoch")?.unwrap_or(0),
        shard: fields.get("shard")?,
        vat: fields.get("valid_at")?,
        term: fields.maybe::<Term>("term")?,
        ops,
    };
    let term = server.storage.write_local(write).await??;
    done(json!({ "message": message, "valid_at": term, "status": "success" }))
}

fn schema(server: &Server) -> Result<Arc<Schema>, Failure> {
    let schema = server.storage.schema();
    schema.ok_or_else(|| Failure::bad("the server has no schema: POST /config first"))
}

fn json_text(value: &(impl Serialize + ?Sized)) -> Result<Box<RawValue>, Failure> {
    to_raw_value(value).map_err(Failure::bad)
}

fn done(answer: impl Serialize) -> Answer {
    Ok(Json(answer).into_response())
}
