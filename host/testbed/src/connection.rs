//! One connection, kept alive.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::http::request::Builder;
use hyper::{HeaderMap, Method, Request, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A connection to a server.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    address: String,
    token: Option<String>,
}

/// What was answered, good or bad.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The bytes.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Where nobody listens.
    pub async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| address.to_owned())?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Its errors come back to whoever sends.
        tokio::spawn(connection);
        Ok(Connection { sender, address: address.to_owned(), token: None })
    }

    /// Shows a token with each request from now on.
    #[must_use]
    pub fn with_token(self, token: Option<String>) -> Self {
        Connection { token, ..self }
    }

    /// Sends a request and waits for the answer, whatever it is.
    ///
    /// # Errors
    /// Where there is none: the connection is of no more use.
    pub async fn ask(&mut self, request: Builder, body: String) -> Result<Answer> {
        let mut request = request
            .header(header::HOST, &self.address)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        self.sender.ready().await?;
        let response = self.sender.send_request(request.body(Full::from(body))?).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }

    /// Sends a request; the answer must be good.
    ///
    /// # Errors
    /// Where there is none, or what a bad one says.
    pub async fn send(&mut self, method: Method, path: &str, body: String) -> Result<Bytes> {
        let answer = self.ask(Request::builder().method(method).uri(path), body).await?;
        let Answer { status, body, .. } = answer;
        ensure!(status < 400, "{path}: {status} {}", String::from_utf8_lossy(&body));
        Ok(body)
    }

    /// Asks for something.
    ///
    /// # Errors
    /// As [`Connection::send`].
    pub async fn get(&mut self, path: &str) -> Result<Bytes> {
        self.send(Method::GET, path, String::new()).await
    }

    /// Sends JSON.
    ///
    /// # Errors
    /// As [`Connection::send`].
    pub async fn post(&mut self, path: &str, body: &Value) -> Result<Bytes> {
        self.send(Method::POST, path, body.to_string()).await
    }

    /// Sends JSON that replaces something.
    ///
    /// # Errors
    /// As [`Connection::send`].
    pub async fn put(&mut self, path: &str, body: &Value) -> Result<Bytes> {
        self.send(Method::PUT, path, body.to_string()).await
    }
}
