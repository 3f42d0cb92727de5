//! What an operator may set about the protocol.

use std::time::Duration;

use ringwright_model::Protocol;

/// The protocol's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A write is acknowledged only while at least this many replicas hold it.
    pub min_in_sync: usize,
    /// How long a replica may take over a batch before it falls out of sync.
    pub write_timeout: Duration,
    /// How long a replica may take over a read before the next one is asked.
    pub read_timeout: Duration,
    /// How long a read that cannot be served is tried again, until a replica in sync turns up or
    /// the charge is renewed, before it is refused.
    pub patience: Duration,
    /// How far back a replica that was away finds the changes it missed.
    pub history: Duration,
    /// How long the answer to a request with an idempotency key is kept.
    pub remember: Duration,
    /// Whose algorithm decides.
    pub protocol: Protocol,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            min_in_sync: 1,
            write_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(2),
            patience: Duration::from_secs(2),
            history: Duration::from_secs(60),
            remember: Duration::from_secs(24 * 3600),
            protocol: Protocol::Safe,
        }
    }
}
