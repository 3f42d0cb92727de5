//! The paper's routes, spoken by hand.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use ringwright_shard_server::Storage;
use ringwright_wire::{Collect, ShardServer, Stamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::adopt;
use crate::place::serve;

struct Server {
    _dir: TempDir,
    storage: Storage,
    address: String,
}

async fn server() -> Server {
    let dir = TempDir::new().unwrap();
    let storage = Storage::open_sqlite(dir.path().join("data.sqlite")).await.unwrap();
    let address = serve(storage.clone()).await;
    Server { _dir: dir, storage, address }
}

impl Server {
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
        accept: &str,
    ) -> (u16, hyper::HeaderMap, String) {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header("accept", accept)
            .body(Full::<Bytes>::new(body.into()))
            .unwrap();
        let response = client.request(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        (parts.status.as_u16(), parts.headers, String::from_utf8(body).unwrap())
    }

    async fn json(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, headers, text) = self.send(method, path, body, "*/*").await;
        assert_eq!(headers["content-type"], "application/json", "{text}");
        (status, serde_json::from_str(&text).unwrap())
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.json(Method::POST, path, body).await
    }

    async fn configured() -> Server {
        let server = server().await;
        let schema = json!({
            "columns": ["Stud_id", "Stud_name", "Stud_marks"],
            "dtypes": ["Number", "String", "String"],
        });
        let payload = json!({ "schema": schema, "shards": ["sh1", "sh2"] });
        let (status, answer) = server.post("/config", payload).await;
        assert_eq!(status, 200);
        assert_eq!(answer["message"], "Server0:sh1, Server0:sh2 configured");
        server
    }
}

fn student(id: u64, marks: u64) -> Value {
    json!({ "Stud_id": id, "Stud_name": "GHI", "Stud_marks": marks })
}

fn failed((status, answer): (u16, Value), expected: u16, part: &str) {
    let message = answer["message"].as_str().unwrap();
    assert_eq!(status, expected, "{message}");
    assert!(message.starts_with("<Error> ") && message.contains(part), "{message}");
    assert_eq!(answer["status"], "failure");
}

#[tokio::test]
async fn home_and_heartbeat() {
    let server = server().await;
    let home = server.json(Method::GET, "/home", Value::Null).await;
    let message = json!({ "message": "Hello from Server: Server0", "status": "successful" });
    assert_eq!(home, (200, message));
    let (status, headers, body) = server.send(Method::GET, "/heartbeat", "", "*/*").await;
    assert_eq!((status, body.as_str()), (200, ""));
    assert_eq!(headers["x-ringwright-incarnation"], server.storage.incarnation());
    // The database may be away: the server is alive.
    server.storage.close().await;
    assert_eq!(server.send(Method::GET, "/heartbeat", "", "*/*").await.0, 200);
}

#[tokio::test]
async fn a_shard_is_written_and_read() {
    let server = Server::configured().await;
    let data = json!([student(2255, 27), student(3524, 56)]);
    let write = json!({ "shard": "sh2", "valid_at": 0, "term": 1, "data": data });
    let (status, answer) = server.post("/write", write).await;
    assert_eq!((status, &answer["valid_at"]), (200, &json!(1)), "{answer}");
    assert_eq!(answer["message"], "2 Data entries added");

    let update = json!({
        "shard": "sh2", "valid_at": 1, "STUD_ID": "2255",
        "data": { "stud_id": 2255, "stud_name": "GHI", "Stud_marks": 28 },
    });
    let (status, answer) = server.json(Method::PUT, "/update", update).await;
    assert_eq!((status, &answer["valid_at"]), (200, &json!(2)), "{answer}");
    assert_eq!(answer["message"], "Data entry for Stud_id: 2255 updated");

    let del = json!({ "shard": "sh2", "valid_at": 2, "Stud_id": 3524 });
    let (status, answer) = server.json(Method::DELETE, "/del", del).await;
    assert_eq!((status, &answer["valid_at"]), (200, &json!(3)), "{answer}");
    assert_eq!(answer["message"], "Data entry with Stud_id:3524 removed");

    for (vat, expected) in [
        (0, json!([])),
        (1, json!([student(2255, 27), student(3524, 56)])),
        (2, json!([student(2255, 28), student(3524, 56)])),
        (3, json!([student(2255, 28)])),
    ] {
        let range = json!({ "Low": 2235, "high": "3600" });
        let read = json!({ "shard": "sh2", "Stud_id": range, "valid_at": vat });
        let answer = server.post("/read", read).await;
        assert_eq!(answer, (200, json!({ "data": expected, "status": "success" })), "{vat}");
    }
}

#[tokio::test]
async fn shards_are_copied() {
    let server = Server::configured().await;
    let data: Vec<Value> = (0..2500).map(|id| student(id, 1)).collect();
    server.post("/write", json!({ "shard": "sh1", "valid_at": 0, "data": data })).await;
    let one = json!([student(7, 7)]);
    server.post("/write", json!({ "shard": "sh2", "valid_at": 0, "data": one })).await;

    let whole = json!({ "sh1": data, "sh2": one, "status": "success" });
    let body = json!({ "shards": ["sh1", "sh2"], "valid_at": [1, 1] });
    let copy = server.json(Method::GET, "/copy", body.clone()).await;
    assert_eq!(copy, (200, whole.clone()));
    for query in ["shards=sh1,sh2&valid_at=1,1", "shards=sh1&valid_at=1&shards=sh2&valid_at=1"] {
        let path = format!("/copy?{query}");
        assert_eq!(server.json(Method::GET, &path, Value::Null).await, (200, whole.clone()));
    }
    let empty = json!({ "shards": ["sh1"], "valid_at": [0] });
    let copy = server.json(Method::GET, "/copy", empty).await;
    assert_eq!(copy, (200, json!({ "sh1": [], "status": "success" })));

    let ndjson = "application/x-ndjson";
    let (status, headers, text) = server.send(Method::GET, "/copy", body.to_string(), ndjson).await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, ndjson));
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[..2500], data);
    assert_eq!(lines[2500..], [student(7, 7)]);

    for (body, status, part) in [
        (json!({ "shards": ["sh1", "sh9"], "valid_at": [1, 0] }), 404, "sh9"),
        (json!({ "shards": ["sh1", "sh2"], "valid_at": [1] }), 400, "valid_at"),
        (json!({ "valid_at": [1] }), 400, "shards"),
    ] {
        failed(server.json(Method::GET, "/copy", body).await, status, part);
    }
}

#[tokio::test]
async fn what_cannot_be_right_is_refused() {
    let bare = server().await;
    failed(bare.post("/write", json!({ "data": [] })).await, 400, "/config");
    let schema = json!({ "columns": ["a"], "dtypes": ["String"] });
    let config = json!({ "schema": schema, "shards": [] });
    failed(bare.post("/config", config).await, 400, "key column");

    let server = Server::configured().await;
    failed(server.json(Method::GET, "/nothing", Value::Null).await, 404, "'/nothing'");
    failed(server.json(Method::GET, "/internal/nothing", Value::Null).await, 404, "nothing");
    failed(server.json(Method::PUT, "/write", Value::Null).await, 405, "/write");
    failed(server.post("/write", Value::Null).await, 400, "not an object");
    failed(server.post("/internal/read", json!({})).await, 400, "stamp");
    let write = |data: Value| json!({ "shard": "sh1", "valid_at": 0, "data": data });
    failed(server.post("/write", json!({ "data": [] })).await, 400, "'shard' is missing");
    failed(server.post("/write", write(json!([{ "x": 1 }]))).await, 400, "'x'");
    let wrong_term = json!({ "shard": "sh1", "valid_at": 0, "term": 2, "data": [] });
    failed(server.post("/write", wrong_term).await, 400, "term");
    let twice = write(json!([student(1, 1), student(1, 2)]));
    failed(server.post("/write", twice).await, 400, "key 1");

    assert_eq!(server.post("/write", write(json!([student(1, 1)]))).await.0, 200);
    let again = json!({ "shard": "sh1", "valid_at": 1, "data": [student(0, 0), student(1, 1)] });
    failed(server.post("/write", again).await, 409, "key 1");
    let missing = json!({ "shard": "sh1", "valid_at": 1, "Stud_id": 5 });
    failed(server.json(Method::DELETE, "/del", missing).await, 404, "key 5");
    let moved = json!({ "shard": "sh1", "valid_at": 1, "Stud_id": 1, "data": student(2, 2) });
    failed(server.json(Method::PUT, "/update", moved).await, 400, "Stud_id");
    failed(server.post("/write", write(json!([student(3, 3)]))).await, 409, "older");
    let read = json!({ "shard": "sh9", "Stud_id": { "low": 0, "high": 9 }, "valid_at": 1 });
    failed(server.post("/read", read).await, 404, "sh9");
    let read = json!({ "shard": "sh1", "Stud_id": { "low": -1, "high": 9 }, "valid_at": 1 });
    failed(server.post("/read", read).await, 400, "low");
    let read = json!({ "shard": "sh1", "Stud_id": { "low": 0, "high": 9 }, "valid_at": 1 });
    let kept = server.post("/read", read).await.1;
    assert_eq!(kept["data"], json!([student(1, 1)]), "nothing of what was refused was done");
}

#[tokio::test]
async fn an_adopted_server_takes_them_from_its_balancer_only() {
    let server = Server::configured().await;
    let incarnation = server.storage.adopt(adopt(3)).await.unwrap().incarnation;
    let read = json!({ "shard": "sh1", "Stud_id": { "low": 0, "high": 9 }, "valid_at": 0 });
    let write = json!({ "shard": "sh1", "valid_at": 0, "data": [student(1, 1)] });
    let copy = json!({ "shards": ["sh1"], "valid_at": [0] });
    failed(server.post("/read", read.clone()).await, 409, "epoch 3");
    failed(server.post("/write", write.clone()).await, 409, "epoch 3");
    failed(server.json(Method::GET, "/copy", copy).await, 409, "epoch 3");
    let with_epoch = |mut payload: Value| {
        payload["epoch"] = json!(3);
        payload
    };
    assert_eq!(server.post("/write", with_epoch(write)).await.0, 200);
    let stamp = Stamp { epoch: 3, incarnation };
    server.storage.collect(Collect { stamp, safe_points: vec![] }).await.unwrap();
    assert_eq!(server.post("/read", with_epoch(read)).await.0, 200);
}

#[tokio::test]
async fn a_large_body_is_taken_and_a_larger_one_is_not() {
    let server = Server::configured().await;
    let spaces = |n: usize| format!("{{}}{}", " ".repeat(n));
    let (status, _, _) = server.send(Method::POST, "/config", spaces(8 << 20), "*/*").await;
    assert_eq!(status, 400, "read whole, and found wanting");
    let (status, _, text) = server.send(Method::POST, "/config", spaces(65 << 20), "*/*").await;
    assert_eq!(status, 413);
    assert!(text.contains("\"status\":\"failure\""), "{text}");
}
