//! Students, and requests for single ones.

use hyper::Method;
use serde_json::{Value, json};

/// A request: method, path and payload.
pub type Ask = (Method, &'static str, String);

/// The schema of the paper's table.
pub fn schema() -> Value {
    json!({"columns": ["Stud_id", "Stud_name", "Stud_marks"],
        "dtypes": ["Number", "String", "String"]})
}

/// So many shards with so many keys each, as `/init` wants them.
pub fn shards(count: u64, size: u64) -> Vec<Value> {
    let shard = |i: u64| json!({"Stud_id_low": i * size, "Shard_id": format!("sh{}", i + 1), "Shard_size": size});
    (0..count).map(shard).collect()
}

/// A row.
pub fn student(id: u64, marks: u64) -> Value {
    json!({"Stud_id": id, "Stud_name": format!("student {id}"), "Stud_marks": marks})
}

/// A read of one row.
pub fn read(id: u64) -> Ask {
    let range = format!(r#"{{"Stud_id":{{"low":{id},"high":{id}}}}}"#);
    (Method::POST, "/read", range)
}

/// A write of one row.
pub fn write(id: u64, marks: u64) -> Ask {
    (Method::POST, "/write", json!({"data": [student(id, marks)]}).to_string())
}

/// An update of one row.
pub fn update(id: u64, marks: u64) -> Ask {
    (Method::PUT, "/update", json!({"Stud_id": id, "data": student(id, marks)}).to_string())
}
