//! The balancer's end: a shard server behind HTTP.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Adopt, Adopted, Applied, Apply, Assign, Collect, Export, Import, Measure, Measured, Page,
    PaperAnswer, PaperStep, Read, ReadAnswer, RefusalBody, Secret, ShardServer, WireError,
};

/// Header of a heartbeat's answer that names the server's database.
const INCARNATION: &str = "x-ringwright-incarnation";

/// A shard server reached over HTTP; clones share one pool of connections.
#[derive(Clone, Debug)]
pub struct HttpShardServer {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    timeout: Duration,
    secret: Option<Secret>,
}

impl HttpShardServer {
    /// A client for the server at `address` (`host:port`).
    ///
    /// An answer that takes longer than `timeout` counts as none.
    pub fn new(address: &str, timeout: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(timeout));
        let client = Client::builder(TokioExecutor::new())
            // A batch must never be sent twice behind the protocol's back.
            .retry_canceled_requests(false)
            .build(connector);
        HttpShardServer { client, base: format!("http://{address}"), timeout, secret: None }
    }

    /// The same, with the secret that the server knows its balancer by.
    pub fn with_secret(self, secret: Option<Secret>) -> Self {
        HttpShardServer { secret, ..self }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<(StatusCode, Option<String>, Bytes), WireError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(body))
            .map_err(unreachable)?;
        if let Some(secret) = &self.secret {
            request.headers_mut().insert(AUTHORIZATION, secret.authorization());
        }
        ringwright_trace::pass_on(request.headers_mut());
        let exchange = async {
            let response = self.client.request(request).await.map_err(unreachable)?;
            let status = response.status();
            if status == StatusCode::UNAUTHORIZED {
                return Err(WireError::Secret);
            }
            let incarnation = response
                .headers()
                .get(INCARNATION)
                .and_then(|v| v.to_str().ok())
                .map(str::to_owned);
            let body = response.into_body().collect().await.map_err(unreachable)?.to_bytes();
            Ok((status, incarnation, body))
        };
        tokio::time::timeout(self.timeout, exchange)
            .await
            .unwrap_or_else(|_| Err(WireError::timeout(self.timeout)))
    }

    async fn call<A: DeserializeOwned>(
        &self,
        path: &str,
        request: &(impl Serialize + Sync),
    ) -> Result<A, WireError> {
        let body = serde_json::to_vec(request)
            .map_err(|e| WireError::BadRequest { message: e.to_string() })?;
        let (status, _, answer) = self.send(Method::POST, path, body).await?;
        if status.is_success() {
            return serde_json::from_slice(&answer).map_err(unreachable);
        }
        Err(match serde_json::from_slice::<RefusalBody>(&answer) {
            Ok(refusal) => refusal.error,
            Err(_) => unreachable(format!("{path} answered {status}")),
        })
    }
}

/// Everything that leaves the outcome unknown.
fn unreachable(e: impl ToString) -> WireError {
    WireError::Unreachable { message: e.to_string() }
}

#[async_trait]
impl ShardServer for HttpShardServer {
    async fn adopt(&self, request: Adopt) -> Result<Adopted, WireError> {
        self.call("/internal/adopt", &request).await
    }
    async fn assign(&self, request: Assign) -> Result<(), WireError> {
        self.call("/internal/assign", &request).await
    }
    async fn apply(&self, request: Apply) -> Result<Applied, WireError> {
        self.call("/internal/apply", &request).await
    }
    async fn read(&self, request: Read) -> Result<ReadAnswer, WireError> {
        self.call("/internal/read", &request).await
    }
    async fn export(&self, request: Export) -> Result<Page, WireError> {
        self.call("/internal/export", &request).await
    }
    async fn import(&self, request: Import) -> Result<(), WireError> {
        self.call("/internal/import", &request).await
    }
    async fn collect(&self, request: Collect) -> Result<(), WireError> {
        self.call("/internal/collect", &request).await
    }
    async fn measure(&self, request: Measure) -> Result<Measured, WireError> {
        self.call("/internal/measure", &request).await
    }
    async fn paper(&self, request: PaperStep) -> Result<PaperAnswer, WireError> {
        self.call("/internal/paper", &request).await
    }
    async fn heartbeat(&self) -> Result<String, WireError> {
        let (status, incarnation, _) = self.send(Method::GET, "/heartbeat", Vec::new()).await?;
        match incarnation {
            Some(incarnation) if status.is_success() => Ok(incarnation),
            _ => Err(unreachable(format!("heartbeat answered {status}"))),
        }
    }
}
