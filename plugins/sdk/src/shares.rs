//! Weights: who is to own slots, and how much each.

use crate::hash::Server;

/// A server that is to own slots.
#[derive(Clone, Copy, Debug)]
pub struct Share<'a> {
    /// Position in the list of servers.
    pub position: u32,
    /// The server.
    pub server: &'a Server,
    /// Its part relative to the others; at least 1.
    pub weight: u32,
}

/// The servers that are to own slots: those of a weight, or all alike where none has one.
pub fn shares(servers: &[Server]) -> Vec<Share<'_>> {
    let share = |position, server, weight| Share { position, server, weight };
    let all = (0..).zip(servers);
    if servers.iter().all(|s| s.weight == 0) {
        return all.map(|(i, s)| share(i, s, 1)).collect();
    }
    all.filter(|(_, s)| s.weight > 0).map(|(i, s)| share(i, s, s.weight)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(weights: &[u32]) -> Vec<(u32, u32)> {
        let server = |&weight| Server { id: 1, name: String::new(), weight, labels: Vec::new() };
        let servers: Vec<Server> = weights.iter().map(server).collect();
        shares(&servers).iter().map(|s| (s.position, s.weight)).collect()
    }

    #[test]
    fn a_weight_of_nothing_is_a_last_resort() {
        assert_eq!(told(&[2, 0, 3]), [(0, 2), (2, 3)]);
        assert_eq!(told(&[0, 0]), [(0, 1), (1, 1)]);
        assert_eq!(told(&[]), []);
    }
}
