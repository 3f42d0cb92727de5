//! A client of the REST API, for the tools.

mod stream;

pub use stream::Stream;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::http::request::Builder;
use hyper::{Method, Request, StatusCode, header};
use hyper_util::client::legacy::{Client as Http, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use ringwright_model::Key;
use ringwright_wire::Secret;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::token;

/// Longest wait for an answer, unless the tool says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Shortest and longest pause between two tries.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Where the balancer is.
#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// Address of the balancer; http://127.0.0.1 and --port where it is left out.
    #[arg(long, env = "RINGWRIGHT_URL")]
    url: Option<String>,
    /// Port of a balancer on this machine.
    #[arg(long, env = "RINGWRIGHT_PORT", default_value_t = 5000)]
    port: u16,
    #[command(flatten)]
    token: token::Args,
}

/// A client; clones share its connections.
#[derive(Clone)]
pub struct Client {
    http: Http<HttpConnector, Full<Bytes>>,
    base: String,
    token: Option<Secret>,
    limit: Duration,
}

/// An answer, good or bad.
pub struct Answer<B = Value> {
    /// The HTTP status.
    pub status: StatusCode,
    /// What is in it: JSON, or its bytes as they came.
    pub body: B,
    /// Whether a token was shown.
    shown: bool,
}

impl<B> Answer<B> {
    /// Whether the same may do well later.
    fn asks_for_patience(&self) -> bool {
        self.status == StatusCode::TOO_MANY_REQUESTS || self.status.is_server_error()
    }
}

/// A good answer of `/read`.
#[derive(Deserialize)]
struct Rows<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
}

impl Answer<Bytes> {
    fn json(self) -> Result<Answer> {
        let Answer { status, shown, .. } = self;
        let body = serde_json::from_slice(&self.body)
            .with_context(|| format!("it did not answer as a balancer does ({status})"))?;
        Ok(Answer { status, body, shown })
    }

    /// The rows that `/read` answered, each to the byte.
    ///
    /// # Errors
    /// What a bad answer says.
    pub fn rows(&self) -> Result<Vec<&RawValue>> {
        if !self.status.is_success() {
            let Answer { status, shown, .. } = *self;
            let said = Answer { status, body: self.body.clone(), shown }.json()?;
            bail!("{}", said.message());
        }
        let rows: Rows = serde_json::from_slice(&self.body)
            .context("/read did not answer as a balancer does")?;
        Ok(rows.data)
    }
}

impl Answer {
    /// What it says, for people.
    pub fn message(&self) -> String {
        if self.status == StatusCode::UNAUTHORIZED && self.shown {
            return "the balancer does not accept this token: see --token-file, RINGWRIGHT_TOKEN or \
                    --token"
                .into();
        }
        if self.status == StatusCode::UNAUTHORIZED {
            return "the balancer wants its token: give it by --token-file, RINGWRIGHT_TOKEN or \
                    --token"
                .into();
        }
        match &self.body["message"] {
            Value::String(text) => text.trim_start_matches("<Error> ").to_owned(),
            other => other.to_string(),
        }
    }

    /// What a good answer says.
    ///
    /// # Errors
    /// What a bad one says.
    pub fn ok(mut self) -> Result<Value> {
        if !self.status.is_success() {
            bail!("{}", self.message());
        }
        Ok(self.body["message"].take())
    }
}

impl Client {
    /// A client of the balancer that `args` name.
    ///
    /// # Errors
    /// Where the token is none.
    pub fn new(args: &Args) -> Result<Self> {
        let base = match &args.url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://127.0.0.1:{}", args.port),
        };
        Ok(Self::at(base, args.token.read()?))
    }

    /// A client of the balancer at a URL, that shows this token.
    pub fn at(base: String, token: Option<Secret>) -> Self {
        let http = Http::builder(TokioExecutor::new()).build_http();
        Client { http, base, token, limit: TIMEOUT }
    }

    /// The same client, with another limit to its wait for an answer.
    pub fn waits(self, limit: Duration) -> Self {
        Client { limit, ..self }
    }

    /// Asks for a page.
    ///
    /// # Errors
    /// Where there is no answer, or none in JSON.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        let request = self.request(Method::GET, path).header(header::ACCEPT, "application/json");
        self.exchange(request, Vec::new()).await
    }

    /// Listens to events.
    ///
    /// # Errors
    /// Where there is no answer, or a bad one.
    pub async fn listen(&self, path: &str) -> Result<Stream> {
        let request = self.request(Method::GET, path).header(header::ACCEPT, "text/event-stream");
        let request = self.complete(request, Vec::new())?;
        let response = self.in_time(async { Ok(self.http.request(request).await?) }).await?;
        let (status, shown) = (response.status(), self.token.is_some());
        if status.is_success() {
            return Ok(Stream::new(response.into_body()));
        }
        let body = response.into_body().collect().await?.to_bytes();
        bail!("{}", Answer { status, body, shown }.json()?.message())
    }

    /// Sends a payload.
    ///
    /// # Errors
    /// Where there is no answer, or none in JSON. Whether it was done is then unknown, unless it
    /// is sent again under the same `once`.
    pub async fn post(&self, path: &str, once: Option<&str>, body: Vec<u8>) -> Result<Answer> {
        let mut request = self.request(Method::POST, path);
        if let Some(once) = once {
            request = request.header("idempotency-key", once);
        }
        self.exchange(request, body).await
    }

    /// Reads the rows whose keys lie from `low` to `high`, as one snapshot.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn read(&self, column: &str, low: Key, high: Key) -> Result<Answer<Bytes>> {
        let range = json!({(column): {"low": low, "high": high}});
        self.ask(self.request(Method::POST, "/read"), serde_json::to_vec(&range)?).await
    }

    /// Puts a value in the place of another.
    ///
    /// # Errors
    /// Where there is no answer, or none in JSON.
    pub async fn put(&self, path: &str, value: &Value) -> Result<Answer> {
        self.exchange(self.request(Method::PUT, path), serde_json::to_vec(value)?).await
    }

    /// Takes something away.
    ///
    /// # Errors
    /// Where there is no answer, or none in JSON.
    pub async fn delete(&self, path: &str) -> Result<Answer> {
        self.exchange(self.request(Method::DELETE, path), Vec::new()).await
    }

    /// Sends a component.
    ///
    /// # Errors
    /// Where there is no answer, or none in JSON.
    pub async fn upload(&self, path: &str, component: Vec<u8>) -> Result<Answer> {
        let request =
            Request::post(self.url(path)).header(header::CONTENT_TYPE, "application/wasm");
        self.exchange(request, component).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn request(&self, method: Method, path: &str) -> Builder {
        let request = Request::builder().method(method).uri(self.url(path));
        request.header(header::CONTENT_TYPE, "application/json")
    }

    async fn exchange(&self, request: Builder, body: Vec<u8>) -> Result<Answer> {
        let url = request.uri_ref().map(ToString::to_string).unwrap_or_default();
        self.ask(request, body).await?.json().context(url)
    }

    async fn ask(&self, request: Builder, body: Vec<u8>) -> Result<Answer<Bytes>> {
        let request = self.complete(request, body)?;
        self.in_time(async {
            let response = self.http.request(request).await?;
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            anyhow::Ok(Answer { status, body, shown: self.token.is_some() })
        })
        .await
    }

    fn complete(&self, request: Builder, body: Vec<u8>) -> Result<Request<Full<Bytes>>> {
        let mut request =
            request.body(Full::from(body)).with_context(|| format!("'{}'", self.base))?;
        if let Some(token) = &self.token {
            request.headers_mut().insert(header::AUTHORIZATION, token.authorization());
        }
        Ok(request)
    }

    async fn in_time<T>(&self, exchange: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::time::timeout(self.limit, exchange)
            .await
            .map_err(|_| anyhow::anyhow!("no answer within {:?}", self.limit))
            .flatten()
            .with_context(|| format!("the balancer at {} does not answer", self.base))
    }
}

/// Asks again for a while, until there is an answer, and one that says neither that nobody can
/// serve it now nor that too much was asked.
///
/// # Errors
/// As the last time of asking.
pub async fn insist<B, F>(patience: Duration, ask: impl Fn() -> F) -> Result<Answer<B>>
where
    F: Future<Output = Result<Answer<B>>>,
{
    let deadline = Instant::now() + patience;
    let mut pause = SHORTEST_PAUSE;
    loop {
        let answer = ask().await;
        let served = answer.as_ref().is_ok_and(|a| !a.asks_for_patience());
        if served || Instant::now() + pause > deadline {
            return answer;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
