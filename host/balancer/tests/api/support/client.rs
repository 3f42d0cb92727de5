//! A client, and what it is answered.

use std::net::SocketAddr;

use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::Stream;

/// A client of a balancer; clones share its connections.
#[derive(Clone)]
pub struct Client {
    http: Http<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Client { http: Http::builder(TokioExecutor::new()).build_http(), address }
    }

    /// Where the balancer listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client of the same balancer that shares no connection.
    pub fn apart(&self) -> Self {
        Client::new(self.address)
    }

    /// Sends any request.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let uri = format!("http://{}{path}", self.address);
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request =
            Request::builder().method(method).uri(uri).body(Full::new(body.into())).unwrap();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
        }
        let answer = self.http.request(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// Listens to events for as long as they come.
    pub async fn listen(&self, path: &str, headers: &[(&str, &str)]) -> Stream {
        let mut request = Request::get(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.http.request(request.body(Full::default()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Stream::new(answer.into_body())
    }

    /// Sends a payload.
    pub async fn call(&self, method: &str, path: &str, payload: &Value) -> Answer {
        let json = [("content-type", "application/json")];
        self.send(method, path, &json, payload.to_string()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    /// `/metrics`.
    pub async fn metrics(&self) -> Metrics {
        let answer = self.get("/metrics").await;
        assert_eq!(answer.status, StatusCode::OK.as_u16(), "{answer:?}");
        assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4");
        Metrics { text: answer.text }
    }

    pub async fn post(&self, path: &str, payload: Value) -> Answer {
        self.call("POST", path, &payload).await
    }

    pub async fn put(&self, path: &str, payload: Value) -> Answer {
        self.call("PUT", path, &payload).await
    }

    pub async fn delete(&self, path: &str, payload: Value) -> Answer {
        self.call("DELETE", path, &payload).await
    }

    /// The `data` of a range, as the text that was sent.
    pub async fn rows(&self, low: u64, high: u64) -> String {
        let key = self.key_column().await;
        let answer = self.post("/read", json!({key: {"low": low, "high": high}})).await;
        answer.text_between("\"data\":", ",\"status\"")
    }

    /// The rows of a range, as values: for where the order of columns is not the point.
    pub async fn row_values(&self, low: u64, high: u64) -> Value {
        serde_json::from_str(&self.rows(low, high).await).unwrap()
    }

    /// `/status`'s message.
    pub async fn status(&self) -> Value {
        self.get("/status").await.ok()["message"].take()
    }

    pub async fn key_column(&self) -> String {
        let status = self.status().await;
        status["schema"]["columns"][0].as_str().unwrap_or("Stud_id").to_owned()
    }
}

/// Metrics as they are told.
#[derive(Debug)]
pub struct Metrics {
    pub text: String,
}

impl Metrics {
    /// The value of a series, which is named with its labels in alphabetical order.
    pub fn value(&self, series: &str) -> Option<f64> {
        let value = |line: &str| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok();
        self.text.lines().find_map(value)
    }
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        let told = self.headers.get("content-type").map(|v| v.to_str().unwrap());
        assert_eq!(told, Some("application/json"), "{self:?}");
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The body of a success.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK.as_u16(), "{self:?}");
        self.json()
    }

    /// The message of a refusal, which has the contract's shape.
    #[track_caller]
    pub fn refusal(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        let body = self.json();
        let message = body["message"].as_str().unwrap_or_else(|| panic!("{self:?}"));
        assert_eq!(body, json!({"message": message, "status": "failure"}));
        let said = message.strip_prefix("<Error> ");
        said.unwrap_or_else(|| panic!("it does not begin with <Error>: {self:?}")).to_owned()
    }

    #[track_caller]
    fn text_between(&self, before: &str, after: &str) -> String {
        assert_eq!(self.status, 200, "{self:?}");
        let from = self.text.find(before).unwrap_or_else(|| panic!("{self:?}")) + before.len();
        let to = self.text.rfind(after).unwrap_or_else(|| panic!("{self:?}"));
        self.text[from..to].to_owned()
    }
}
