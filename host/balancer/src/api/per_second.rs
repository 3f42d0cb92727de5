//! So many a second from one client.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// All clients are counted anew this often: none has to be forgotten.
const SECOND: Duration = Duration::from_secs(1);

/// Counts what comes from each client's address, anew each second.
pub(super) struct PerSecond {
    most: u32,
    counts: Mutex<Counts>,
}

struct Counts {
    since: Instant,
    of: HashMap<IpAddr, u32>,
}

impl PerSecond {
    pub(super) fn new(most: u32) -> Self {
        let counts = Counts { since: Instant::now(), of: HashMap::new() };
        PerSecond { most, counts: Mutex::new(counts) }
    }

    /// Counts one more from a client; whether there was room for it.
    pub(super) fn take(&self, client: IpAddr) -> bool {
        self.take_at(client, Instant::now())
    }

    fn take_at(&self, client: IpAddr, now: Instant) -> bool {
        let mut counts = self.counts.lock();
        let count = counts.at(now).entry(network(client)).or_default();
        let room = *count < self.most;
        *count += u32::from(room);
        room
    }
}

impl Counts {
    /// The counts of the second that it is.
    fn at(&mut self, now: Instant) -> &mut HashMap<IpAddr, u32> {
        if now.saturating_duration_since(self.since) >= SECOND {
            self.since = now;
            self.of.clear();
        }
        &mut self.of
    }
}

/// What one client has for itself: an address of IPv4, of IPv6 a network of /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn each_client_has_so_many_a_second() {
        let limit = PerSecond::new(2);
        let now = Instant::now();
        let take = |client: &str, after| {
            limit.take_at(client.parse().unwrap(), now + Duration::from_millis(after))
        };
        assert!(take("10.0.0.1", 0) && take("10.0.0.1", 1) && !take("10.0.0.1", 999));
        assert!(take("10.0.0.2", 999), "another client");
        assert!(!take("::ffff:10.0.0.1", 999), "the same by another name");
        assert!(take("2001:db8::1", 999) && take("2001:db8::2", 999) && !take("2001:db8::3", 999));
        assert!(take("2001:db8:0:1::1", 999), "another network");
        assert!(take("10.0.0.1", 2000));
        assert_eq!(limit.counts.lock().of.len(), 1, "the second before is forgotten");
    }
}
