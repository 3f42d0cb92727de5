//! A request, and how it was answered.

use std::time::Duration;

use serde::Serialize;

/// A request, and how it was answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// Its number within its run, from 0.
    pub request: usize,
    /// When it was sent, since the run began.
    #[serde(rename = "start_seconds", serialize_with = "seconds")]
    pub start: Duration,
    /// How long its answer took.
    #[serde(rename = "latency_seconds", serialize_with = "seconds")]
    pub latency: Duration,
    /// The HTTP status; 0 where there was no answer.
    pub status: u16,
    /// The server that answered, where the answer tells.
    pub server: Option<String>,
}

impl Sample {
    /// Whether it was done.
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// When the answer came, since the run began.
    pub fn end(&self) -> Duration {
        self.start + self.latency
    }
}

fn seconds<S: serde::Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&format!("{:.6}", time.as_secs_f64()))
}
