//! Traces sent to a collector: OTLP over HTTP, in protobuf.

mod client;

use std::time::Duration;

use axum::http::Uri;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::time::timeout;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use client::Client;

/// How long a collector may take.
const WITHIN: Duration = Duration::from_secs(5);

/// Why no traces can be sent.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It is no URL that is spoken here.
    #[error("'{0}' must be a URL such as http://collector:4318")]
    Endpoint(String),
    /// The exporter could not be made.
    #[error("traces cannot be sent: {0}")]
    Exporter(#[from] ExporterBuildError),
}

/// What sends the spans.
pub struct Exporter(SdkTracerProvider);

impl Exporter {
    /// Sends to the collector at `endpoint`, as a service of this name; from a task of this
    /// runtime, some at a time. What the collector does not take is lost.
    ///
    /// # Errors
    /// Where `endpoint` is no URL of HTTP.
    pub fn start(endpoint: &str, service: &str, instance: &str) -> Result<Self, ExportError> {
        let endpoint = endpoint.trim_end_matches('/');
        let is_http = |uri: &Uri| uri.scheme_str() == Some("http") && uri.authority().is_some();
        if !endpoint.parse().is_ok_and(|uri| is_http(&uri)) {
            return Err(ExportError::Endpoint(endpoint.to_owned()));
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .with_timeout(WITHIN)
            .build()?;
        let resource = Resource::builder()
            .with_service_name(service.to_owned())
            .with_attribute(opentelemetry::KeyValue::new(
                "service.instance.id",
                instance.to_owned(),
            ))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        Ok(Exporter(provider))
    }

    /// What takes up the spans; ours, down to the details, whatever is logged.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("ringwright"))
            .with_filter(Targets::new().with_target("ringwright", LevelFilter::DEBUG))
    }

    /// Sends what is left.
    pub async fn finish(self) {
        // It waits for a task, so it must not keep a thread that would run it.
        let finished = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(WITHIN));
        match timeout(2 * WITHIN, finished).await {
            Ok(Ok(Ok(()))) => {}
            _ => tracing::warn!("the last traces could not be sent"),
        }
    }
}
