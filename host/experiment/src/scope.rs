//! How much is done.

use std::time::Duration;

use serde::Serialize;

/// How much is done.
#[derive(Clone, Debug, Serialize)]
pub struct Scope {
    /// Requests of each run.
    pub requests: usize,
    /// Connections that they go through at once.
    pub connections: usize,
    /// Numbers of servers that requests are balanced over, ascending.
    pub balanced: Vec<u32>,
    /// Numbers of servers that rows are spread over, ascending.
    pub scaled: Vec<u32>,
    /// Of the light load under which a server is killed: requests a second.
    pub rate: u32,
    /// How long that load goes on before the kill, and after all is well again.
    pub around: Duration,
    /// How often each server is asked for a sign of life (the paper's t).
    pub heartbeat: Duration,
}

impl Scope {
    /// The paper's numbers; where it has none, ours.
    pub fn full() -> Self {
        Scope {
            requests: 10_000,
            connections: 100,
            balanced: (2..=6).collect(),
            scaled: (2..=10).collect(),
            rate: 400,
            around: Duration::from_secs(2),
            heartbeat: Duration::from_millis(500),
        }
    }

    /// Half a minute's worth of it.
    pub fn quick() -> Self {
        Scope {
            requests: 500,
            connections: 20,
            balanced: vec![2, 3],
            scaled: vec![2, 4],
            rate: 200,
            around: Duration::from_millis(500),
            heartbeat: Duration::from_millis(100),
        }
    }
}
