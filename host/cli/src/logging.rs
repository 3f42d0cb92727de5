//! The log: one line an event, on standard error.

use std::io::IsTerminal;

use ringwright_trace::export::Exporter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::output;

/// How to log.
#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// What to log: error, warn, info, debug or trace, also by module (info,sqlx=warn).
    #[arg(
        long,
        global = true,
        env = "RINGWRIGHT_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    log: String,
    /// How the log is written.
    #[arg(long, global = true, env = "RINGWRIGHT_LOG_FORMAT", value_enum, default_value_t = Format::Text)]
    log_format: Format,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts the log, and the traces where they are sent anywhere.
pub fn start(args: &Args, exporter: Option<&Exporter>) {
    let filter = EnvFilter::try_new(&args.log).unwrap_or_else(|error| {
        let _ = output::say(format!("--log '{}': {error}; logging at info", args.log));
        EnvFilter::new("info")
    });
    let log = fmt::layer()
        // It would tell them where it could not write, and end the program over it.
        .log_internal_errors(false)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let log = match args.log_format {
        Format::Text => log.with_target(false).boxed(),
        Format::Json => log.json().flatten_event(true).with_current_span(false).boxed(),
    };
    tracing_subscriber::registry()
        .with(log.with_filter(filter))
        .with(exporter.map(Exporter::layer))
        .init();
}
