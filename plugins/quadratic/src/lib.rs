//! The paper's hash function without virtual nodes: H(i) = i² + 2i + 17, Φ(i) = i² + 25, both
//! mod the number of slots, where Φ's i is the server's number.

mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "hash-plugin" });
    #[cfg(target_arch = "wasm32")]
    export!(Quadratic with_types_in self);
    #[cfg(target_arch = "wasm32")]
    use super::Quadratic;
}

pub use bindings::exports::ringwright::plugin::hash::{Description, Guest, Layout, Point, Server};

/// The plugin.
pub struct Quadratic;

impl Guest for Quadratic {
    fn describe() -> Description {
        Description {
            name: "quadratic".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Quadratic hashing, one point a server".into(),
            source: "The paper, section 2.1, without virtual servers".into(),
        }
    }

    fn slot(request: u64, slots: u32) -> u32 {
        h(request, slots)
    }

    fn slots(requests: Vec<u64>, slots: u32) -> Vec<u32> {
        requests.into_iter().map(|i| h(i, slots)).collect()
    }

    fn arrange(servers: Vec<Server>, _replicas: u32, slots: u32) -> Result<Layout, String> {
        if slots == 0 {
            return Err("a ring needs slots".into());
        }
        let point =
            |(server, s): (u32, &Server)| Point { slot: phi(s.id, slots), server, replica: 1 };
        Ok(Layout::Ring((0..).zip(&servers).map(point).collect()))
    }
}

/// H. With i below 2³² - 1 nothing overflows: i² + 2i + 17 is (i + 1)² + 16.
fn h(request: u64, slots: u32) -> u32 {
    let i = request % u64::from(slots);
    ((i * i + 2 * i + 17) % u64::from(slots)) as u32
}

/// Φ.
fn phi(server: u32, slots: u32) -> u32 {
    let i = u64::from(server % slots);
    ((i * i + 25) % u64::from(slots)) as u32
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    fn server(id: u32) -> Server {
        Server { id, name: format!("Server{id}"), weight: 1, labels: Vec::new() }
    }

    #[test]
    fn h_is_the_papers() {
        assert_eq!(h(0, 512), 17);
        assert_eq!(h(1, 512), 20);
        assert_eq!(h(100_000, 512), 337); // 10 000 200 017 = 512 · 19 531 640 + 337
    }

    #[test]
    fn large_ids_are_reduced_exactly() {
        for slots in [1, 2, 512, 65_537, u32::MAX] {
            for i in [u64::MAX, u64::MAX - 1, u64::from(u32::MAX), u64::from(u32::MAX) - 1] {
                let m = u128::from(slots);
                let r = u128::from(i) % m;
                assert_eq!(u128::from(h(i, slots)), (r * r + 2 * r + 17) % m, "H({i}) mod {slots}");
            }
            let (r, m) = (u128::from(u32::MAX), u128::from(slots));
            assert_eq!(u128::from(phi(u32::MAX, slots)), (r * r + 25) % m);
        }
    }

    #[test]
    fn a_server_has_one_point() {
        let Layout::Ring(points) = Quadratic::arrange(vec![server(1), server(20)], 9, 512).unwrap()
        else {
            unreachable!()
        };
        let told: Vec<_> = points.iter().map(|p| (p.slot, p.server, p.replica)).collect();
        assert_eq!(told, [(26, 0, 1), (425, 1, 1)]);
    }

    #[test]
    fn many_at_once_are_as_one_by_one() {
        let ids: Vec<u64> = (0..1000).map(|i| i * 7_919).collect();
        let each: Vec<u32> = ids.iter().map(|&i| Quadratic::slot(i, 512)).collect();
        assert_eq!(Quadratic::slots(ids, 512), each);
    }

    #[test]
    fn no_slots_is_an_error_not_a_fault() {
        assert!(Quadratic::arrange(vec![server(1)], 1, 0).is_err());
    }
}
