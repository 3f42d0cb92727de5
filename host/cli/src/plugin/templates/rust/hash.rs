//! {{name}}: servers and requests are spread over a ring by one mixing function.

mod bindings;

use bindings::{Description, Guest, Layout, Point, Topology, Traits};

/// H: the slot of a request, below `slots`. Asked for every request, so it has to be quick. It
/// knows nothing of servers: who owns a slot is for [`place`] to say.
fn slot(request: u64, slots: u32) -> u32 {
    (mix(request) % u64::from(slots)) as u32
}

/// Φ: the slot of a virtual node. A request goes to the first one clockwise of its own slot.
///
/// It depends on nothing but the server's number, which a server keeps for life. So when another
/// comes or goes, this one's nodes stay where they are, and with them most requests.
fn place(server: u32, virtual_node: u32, slots: u32) -> u32 {
    slot(mix(u64::from(server)) ^ u64::from(virtual_node), slots)
}

/// Every bit of the number has a say in every bit of the answer: splitmix64, by Steele, Lea and
/// Flood (2014).
fn mix(number: u64) -> u64 {
    let x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The plugin.
pub struct Plugin;

impl Guest for Plugin {
    fn describe() -> Description {
        Description {
            name: "{{name}}".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "A ring whose points are spread by splitmix64".into(),
            reference: "Where the idea comes from: a paper, an address".into(),
            // What an operator may set. The values come with each topology, as texts.
            settings: Vec::new(),
        }
    }

    /// What it can do. Nothing is asked of it that it does not declare.
    fn declare() -> Traits {
        Traits { weighted: false, virtual_nodes: true, tail_only: false, max_servers: None }
    }

    fn slot(request: u64, slots: u32) -> u32 {
        slot(request, slots)
    }

    /// Many at once, and for each the same answer as alone.
    fn slots(requests: Vec<u64>, slots: u32) -> Vec<u32> {
        requests.into_iter().map(|request| slot(request, slots)).collect()
    }

    /// Asked once for each set of servers that requests may go to, an empty one too. Two points
    /// may want one slot: the host moves the later one to the next that is free.
    fn arrange(topology: Topology) -> Result<Layout, String> {
        let Topology { servers, virtual_nodes, slots, .. } = topology;
        let room = slots as usize / servers.len().max(1);
        if room == 0 {
            return Err(format!("{} servers do not fit on {slots} slots", servers.len()));
        }
        let each = virtual_nodes.min(room as u32);
        let points = (0..).zip(&servers).flat_map(|(server, told)| {
            let point = move |node| Point {
                slot: place(told.id, node, slots),
                server, // its position in the list, not its number
                virtual_node: node,
            };
            (1..=each).map(point)
        });
        Ok(Layout::Ring(points.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bindings::Server;

    fn points(servers: &[u32], slots: u32) -> Result<Vec<Point>, String> {
        let server =
            |&id: &u32| Server { id, name: format!("Server{id}"), weight: 1, labels: Vec::new() };
        let servers = servers.iter().map(server).collect();
        let topology = Topology { servers, virtual_nodes: 9, slots, settings: Vec::new() };
        match Plugin::arrange(topology)? {
            Layout::Ring(points) => Ok(points),
            Layout::Table(_) => Err("it is a ring".into()),
        }
    }

    #[test]
    fn requests_spread_evenly_over_the_slots() {
        let mut counts = [0; 16];
        for request in 0..16_000 {
            counts[slot(request, 16) as usize] += 1;
        }
        assert!(counts.iter().all(|&n| (850..1150).contains(&n)), "{counts:?}");
    }

    #[test]
    fn many_at_once_are_as_one_by_one() {
        let ids: Vec<u64> = (100_000..101_000).collect();
        let alone: Vec<u32> = ids.iter().map(|&id| Plugin::slot(id, 512)).collect();
        assert_eq!(Plugin::slots(ids, 512), alone);
    }

    #[test]
    fn a_server_stays_where_it_is_when_others_come_and_go() {
        let place_of_2 = |servers: &[u32]| -> Vec<u32> {
            let position = servers.iter().position(|&id| id == 2).unwrap() as u32;
            let points = points(servers, 512).unwrap();
            points.iter().filter(|p| p.server == position).map(|p| p.slot).collect()
        };
        assert_eq!(place_of_2(&[1, 2, 3]).len(), 9);
        assert_eq!(place_of_2(&[1, 2, 3]), place_of_2(&[2, 7]));
    }

    #[test]
    fn it_lays_out_any_number_of_servers_or_says_that_it_cannot() {
        assert_eq!(points(&[], 512).unwrap().len(), 0);
        assert_eq!(points(&[1, 2], 5).unwrap().len(), 4);
        assert!(points(&[1, 2, 3], 2).unwrap_err().contains("do not fit"));
    }
}
