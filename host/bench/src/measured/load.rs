//! Clients that ask one after the other, and how long each answer took.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::future::try_join_all;
use hdrhistogram::Histogram;
use ringwright_testbed::{Ask, Connection};

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A read of one key.
    Read,
    /// An update of one row.
    Update,
    /// A new row.
    Insert,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Kind::Read => "read",
            Kind::Update => "update",
            Kind::Insert => "insert",
        })
    }
}

/// Something that can be asked.
pub trait Target {
    /// Host and port.
    fn address(&self) -> &str;
    /// A client's next request: method, path and payload.
    fn request(&self, kind: Kind, client: u16) -> Ask;
}

/// What was measured.
pub struct Measured {
    /// Of each request, in microseconds.
    pub latencies: Histogram<u64>,
    /// How long was measured.
    pub time: Duration,
}

/// Lets so many clients ask for `time`, after a fifth of it that does not count.
pub async fn measure(
    target: &impl Target,
    kind: Kind,
    clients: u16,
    time: Duration,
) -> Result<Measured> {
    let connections: Vec<Connection> =
        try_join_all((0..clients).map(|_| Connection::open(target.address()))).await?;
    let begin = Instant::now() + time / 5;
    let end = begin + time;
    let asking = connections.into_iter().zip(0..).map(|(mut connection, client)| async move {
        let mut latencies = Histogram::<u64>::new(3)?;
        loop {
            if Instant::now() >= end {
                return anyhow::Ok(latencies);
            }
            let (method, path, body) = target.request(kind, client);
            let asked = Instant::now();
            connection.send(method, path, body).await.with_context(|| kind.to_string())?;
            if asked >= begin {
                latencies.record(u64::try_from(asked.elapsed().as_micros())?)?;
            }
        }
    });
    let mut all = Histogram::<u64>::new(3)?;
    for latencies in try_join_all(asking).await? {
        all.add(latencies)?;
    }
    Ok(Measured { latencies: all, time })
}
