//! Server-sent events, as far as a balancer sends them: each with its data on one line.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::time::timeout;

/// Nothing for so long, not even a sign of life, and the balancer is gone.
const SILENCE: Duration = Duration::from_secs(45);

/// Events as they come.
pub struct Stream {
    body: Incoming,
    read: Vec<u8>,
}

impl Stream {
    pub(super) fn new(body: Incoming) -> Self {
        Stream { body, read: Vec::new() }
    }

    /// The next one's data; `None` where the stream has ended. What is no JSON is passed over.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            while let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                let data = line.strip_prefix(b"data:");
                if let Some(event) = data.and_then(|data| serde_json::from_slice(data).ok()) {
                    return Some(event);
                }
            }
            let frame = timeout(SILENCE, self.body.frame()).await.ok()??.ok()?;
            self.read.extend(frame.into_data().ok()?);
        }
    }
}
