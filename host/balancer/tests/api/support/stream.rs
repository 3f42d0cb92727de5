//! A client that listens to server-sent events.

use axum::body::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::time::timeout;

use super::DEADLINE;

/// What comes, and what came of the next event so far.
pub struct Stream {
    body: Incoming,
    read: String,
}

/// An event as it was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    pub id: Option<u64>,
    pub event: String,
    pub data: Value,
}

impl Stream {
    pub fn new(body: Incoming) -> Self {
        Stream { body, read: String::new() }
    }

    /// The next event; `None` at the end. Comments are passed over.
    pub async fn next(&mut self) -> Option<Sent> {
        loop {
            while let Some((event, rest)) = self.read.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.read = rest;
                if let Some(sent) = Sent::parse(&event) {
                    return Some(sent);
                }
            }
            let frame = timeout(DEADLINE, self.body.frame()).await.expect("nothing comes");
            let frame: Bytes = frame?.ok()?.into_data().ok()?;
            self.read += std::str::from_utf8(&frame).unwrap();
        }
    }

    /// Those up to the first of that kind, with it.
    pub async fn until(&mut self, kind: &str) -> Vec<Sent> {
        let mut all = Vec::new();
        while let Some(sent) = self.next().await {
            all.push(sent);
            if all.last().is_some_and(|sent| sent.event == kind) {
                return all;
            }
        }
        panic!("never {kind}: {all:?}");
    }
}

impl Sent {
    fn parse(event: &str) -> Option<Self> {
        let field = |name| event.lines().find_map(|line| line.strip_prefix(name));
        Some(Sent {
            id: field("id: ").map(|id| id.parse().unwrap()),
            event: field("event: ")?.to_owned(),
            data: serde_json::from_str(field("data: ")?).unwrap(),
        })
    }
}
