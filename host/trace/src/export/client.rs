//! How spans get to the collector: by the HTTP client that all of ours use.

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, Response};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::WITHIN;

/// Longest answer of a collector that is read, in bytes.
const LONGEST: usize = 1 << 20;

/// A client whose requests are tasks of a runtime: the exporter has a thread of its own, and none.
#[derive(Debug)]
pub(super) struct Client {
    http: Http<HttpConnector, Full<Bytes>>,
    runtime: Handle,
}

impl Client {
    /// One of the runtime that this is called in.
    pub(super) fn new() -> Self {
        let http = Http::builder(TokioExecutor::new()).build_http();
        Client { http, runtime: Handle::current() }
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let exchange = async move {
            let (head, body) = http.request(request.map(Full::new)).await?.into_parts();
            let body = Limited::new(body, LONGEST).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(head, body))
        };
        self.runtime.spawn(async { timeout(WITHIN, exchange).await? }).await?
    }
}
