//! A request, and how it was answered.

use std::time::Duration;

use serde::Serialize;

/// A request, and how it was answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Sample {
    /// Its number within its run, from 0.
    pub request: usize,
    /// When it was due, since the run began; without a pace, when it was sent.
    #[serde(rename = "start_seconds", serialize_with = "seconds")]
    pub start: Duration,
    /// How much later it was sent: no connection was free for it.
    #[serde(rename = "lag_seconds", serialize_with = "seconds")]
    pub lag: Duration,
    /// How long its answer took since it was due: who waits for a connection waits, too.
    #[serde(rename = "latency_seconds", serialize_with = "seconds")]
    pub latency: Duration,
    /// The HTTP status; 0 where there was no answer.
    pub status: u16,
    /// Whether the row that it asks for was in a good answer, where it was looked for.
    pub found: Option<bool>,
    /// The server that answered, where the answer tells.
    pub server: Option<String>,
}

impl Sample {
    /// Whether it was done: a read that finds nothing is answered 200, and was not.
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status) && !self.missed()
    }

    /// Whether it was answered well, without the row that it asks for.
    pub fn missed(&self) -> bool {
        self.found == Some(false)
    }

    /// When the answer came, since the run began.
    pub fn end(&self) -> Duration {
        self.start + self.latency
    }
}

fn seconds<S: serde::Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&format!("{:.6}", time.as_secs_f64()))
}
