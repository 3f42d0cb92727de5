//! The rows: `/read`, `/write`, `/update`, `/del`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use ringwright_model::{Key, Row, Schema, parse_key};
use ringwright_replication::{WriteError, WriteRequest, Written};
use ringwright_wire::{Op, RefusalReason};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::about::example;
use super::repeatable::Repeatable;
use super::{ApiError, Payload};
use crate::Balancer;

/// What `/read` answers.
#[derive(Serialize)]
struct Rows {
    shards_queried: Vec<String>,
    data: Vec<Box<RawValue>>,
    status: &'static str,
}

/// What a write answers.
#[derive(Serialize)]
struct Done {
    message: String,
    status: &'static str,
}

/// Reads the rows of a range of keys, both ends included, as one snapshot.
#[utoipa::path(post, path = "/read", tag = "rows",
    request_body(content = serde_json::Value, example = json!({"Stud_id": {"low": 1000, "high": 8889}})),
    responses((status = 200, body = serde_json::Value,
        example = json!({"shards_queried": ["sh1"], "data": [{"Stud_id": 1000, "Stud_name": "Ada", "Stud_marks": 99}], "status": "success"})),
        (status = 400, body = super::Failure), (status = 503, body = super::Failure)))]
pub(super) async fn read(
    State(balancer): State<Arc<Balancer>>,
    payload: Payload,
) -> Result<Response, ApiError> {
    let schema = schema(&balancer)?;
    let column = schema.key_column();
    let range = Payload::parse(payload.needed_raw(column)?.get().as_bytes(), column)?;
    let end = |field: &str| -> Result<Key, ApiError> {
        key(range.needed_raw(field)?, &format!("{column}.{field}"))
    };
    let (low, high) = (end("low")?, end("high")?);
    if low > high {
        return Err(ApiError::bad(format!("field '{column}.low' is greater than '{column}.high'")));
    }
    let found = balancer.cluster.read(low, high).await?;
    let answer = Rows { shards_queried: found.shards, data: found.rows, status: "success" };
    Ok(Json(answer).into_response())
}

/// Adds rows, all of them or none.
#[utoipa::path(post, path = "/write", tag = "rows",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key again is answered as the first time and done once")),
    request_body(content = serde_json::Value, example = json!({"data": [{"Stud_id": 2255, "Stud_name": "Ada", "Stud_marks": 99}]})),
    responses((status = 200, body = serde_json::Value, example = json!({"message": "1 Data entries added", "status": "success"})),
        (status = 400, body = super::Failure), (status = 409, body = super::Failure), (status = 503, body = super::Failure)))]
pub(super) async fn write(
    State(balancer): State<Arc<Balancer>>,
    request: Repeatable,
) -> Result<Response, ApiError> {
    let schema = schema(&balancer)?;
    let rows: Vec<&RawValue> = serde_json::from_str(request.payload.needed_raw("data")?.get())
        .map_err(|_| ApiError::bad("field 'data' must be a list of rows"))?;
    let mut ops = Vec::with_capacity(rows.len());
    for (i, row) in rows.iter().enumerate() {
        let row =
            Row::parse(&schema, row, None).map_err(|e| ApiError::bad(format!("data[{i}]: {e}")))?;
        ops.push(Op::Insert { key: row.key, row: row.json });
    }
    let message = format!("{} Data entries added", ops.len());
    commit(&balancer, &schema, request, ops, message).await
}

/// Replaces a row.
#[utoipa::path(put, path = "/update", tag = "rows",
    params(("Idempotency-Key" = Option<String>, Header, description = "As for /write")),
    request_body(content = serde_json::Value, example = json!({"Stud_id": 2255, "data": {"Stud_id": 2255, "Stud_name": "Ada", "Stud_marks": 100}})),
    responses((status = 200, body = serde_json::Value, example = json!({"message": "Data entry for Stud_id: 2255 updated", "status": "success"})),
        (status = 400, body = super::Failure), (status = 404, body = super::Failure), (status = 503, body = super::Failure)))]
pub(super) async fn update(
    State(balancer): State<Arc<Balancer>>,
    request: Repeatable,
) -> Result<Response, ApiError> {
    let schema = schema(&balancer)?;
    let column = schema.key_column();
    let id = key(request.payload.needed_raw(column)?, column)?;
    let row = Row::parse(&schema, request.payload.needed_raw("data")?, Some(id))
        .map_err(|e| ApiError::bad(format!("data: {e}")))?;
    if row.key != id {
        return Err(ApiError::bad(format!(
            "field 'data.{column}' is {} but '{column}' is {id}: an update may not change the key",
            row.key
        )));
    }
    let message = format!("Data entry for {column}: {id} updated");
    let ops = vec![Op::Update { key: id, row: row.json }];
    commit(&balancer, &schema, request, ops, message).await
}

/// Deletes a row.
#[utoipa::path(delete, path = "/del", tag = "rows",
    params(("Idempotency-Key" = Option<String>, Header, description = "As for /write")),
    request_body(content = serde_json::Value, example = json!({"Stud_id": 2255})),
    responses((status = 200, body = serde_json::Value, example = json!({"message": "Data entry with Stud_id:2255 removed from all replicas", "status": "success"})),
        (status = 400, body = super::Failure), (status = 404, body = super::Failure), (status = 503, body = super::Failure)))]
pub(super) async fn del(
    State(balancer): State<Arc<Balancer>>,
    request: Repeatable,
) -> Result<Response, ApiError> {
    let schema = schema(&balancer)?;
    let column = schema.key_column();
    let id = key(request.payload.needed_raw(column)?, column)?;
    let message = format!("Data entry with {column}:{id} removed from all replicas");
    commit(&balancer, &schema, request, vec![Op::Delete { key: id }], message).await
}

/// An example payload.
#[utoipa::path(get, path = "/read", tag = "rows", responses((status = 200, body = Value)))]
pub(super) async fn read_example() -> Json<Value> {
    example("POST this to read rows", json!({"Stud_id": {"low": 1000, "high": 8889}}))
}

/// An example payload.
#[utoipa::path(get, path = "/write", tag = "rows", responses((status = 200, body = Value)))]
pub(super) async fn write_example() -> Json<Value> {
    let row = json!({"Stud_id": 2255, "Stud_name": "GHI", "Stud_marks": 27});
    example("POST this to add rows", json!({"data": [row]}))
}

/// An example payload.
#[utoipa::path(get, path = "/update", tag = "rows", responses((status = 200, body = Value)))]
pub(super) async fn update_example() -> Json<Value> {
    let row = json!({"Stud_id": 2255, "Stud_name": "GHI", "Stud_marks": 28});
    example("PUT this to replace a row", json!({"Stud_id": 2255, "data": row}))
}

/// An example payload.
#[utoipa::path(get, path = "/del", tag = "rows", responses((status = 200, body = Value)))]
pub(super) async fn del_example() -> Json<Value> {
    example("DELETE with this to delete a row", json!({"Stud_id": 2255}))
}

async fn commit(
    balancer: &Balancer,
    schema: &Schema,
    request: Repeatable,
    ops: Vec<Op>,
    message: String,
) -> Result<Response, ApiError> {
    let adds = matches!(ops.first(), None | Some(Op::Insert { .. }));
    let answer = serde_json::to_string(&Done { message, status: "success" })
        .map_err(|e| ApiError::unavailable(e.to_string()))?;
    let once = request.once(&answer);
    let column = schema.key_column();
    let body = match balancer.cluster.write(WriteRequest { ops, once }).await {
        Ok(Written::Now) => answer,
        Ok(Written::Before(first)) => first,
        Err(error) => return Err(refused(error, column, adds)),
    };
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

/// Why a write was not done, in the words of the request; `adds` tells `/write` from the others.
fn refused(error: WriteError, column: &str, adds: bool) -> ApiError {
    match error {
        WriteError::Refused(r) if r.reason == RefusalReason::Exists => {
            ApiError::conflict(format!("Data entry for {column}: {} already exists", r.key))
        }
        WriteError::Refused(r) => {
            ApiError::missing(format!("No data entry for {column}: {}", r.key))
        }
        WriteError::NoShard(id) => {
            let message = format!("{column}: {id} belongs to no shard");
            if adds { ApiError::bad(message) } else { ApiError::missing(message) }
        }
        WriteError::KeyTwice(id) => {
            ApiError::bad(format!("field 'data' gives {column}: {id} twice"))
        }
        WriteError::KeyReused => {
            ApiError::conflict("header 'Idempotency-Key' was used for another request")
        }
        WriteError::NotConfigured => ApiError::bad(error.to_string()),
        WriteError::Unavailable { .. }
        | WriteError::Overloaded
        | WriteError::NotInCharge(_)
        | WriteError::Unknown(_)
        | WriteError::Metadata(_)
        | WriteError::Abandoned => ApiError::unavailable(error.to_string()),
    }
}

fn schema(balancer: &Balancer) -> Result<Arc<Schema>, ApiError> {
    balancer
        .cluster
        .view()
        .schema
        .clone()
        .ok_or_else(|| ApiError::bad("the database is not configured: POST /init first"))
}

fn key(value: &RawValue, field: &str) -> Result<Key, ApiError> {
    parse_key(value.get()).ok_or_else(|| {
        ApiError::bad(format!("field '{field}' must be a whole number from 0 to {}", Key::MAX))
    })
}
