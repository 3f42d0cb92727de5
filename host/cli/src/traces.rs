//! `--otlp-endpoint`: where traces go.

use anyhow::{Context, Result};
use ringwright_trace::export::Exporter;

/// Whether requests are traced.
#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// URL of an OpenTelemetry collector that gets traces, by OTLP over HTTP
    /// (http://collector:4318); without one none are made.
    #[arg(long, env = "RINGWRIGHT_OTLP_ENDPOINT", value_name = "URL")]
    otlp_endpoint: Option<String>,
}

impl Args {
    /// What sends them, where they are wanted.
    ///
    /// # Errors
    /// Where it is no URL that is spoken.
    pub fn exporter(&self, service: &str, instance: &str) -> Result<Option<Exporter>> {
        let start = |endpoint| Exporter::start(endpoint, service, instance);
        self.endpoint().map(start).transpose().context("--otlp-endpoint")
    }

    /// The collector; a variable that is there and says nothing names none.
    pub fn endpoint(&self) -> Option<&str> {
        self.otlp_endpoint.as_deref().filter(|url| !url.is_empty())
    }
}
