//! Multi-probe consistent hashing: each server is one point, and a request looks in several places
//! for the nearest point clockwise. Memory for one point a server, and balance as of many.
//!
//! A slot is what is probed for: its probes are a, a + b, a + 2b, …, of two hashes a and b.

use ringwright_plugin::HashFunction;
use ringwright_plugin::hash::{Description, Layout, Setting, Topology, Traits, table};
use ringwright_plugin::mix::{mix, mix_pair, scale};
use ringwright_plugin::settings::number;
use ringwright_plugin::shares::Share;

/// More take too long.
const MOST_PROBES: u64 = 1 << 25;

/// The plugin.
pub struct MultiProbe;

impl HashFunction for MultiProbe {
    fn describe() -> Description {
        Description {
            name: "multi-probe".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "One point a server, and several probes for the nearest".into(),
            reference: "Appleton and O'Reilly 2015, https://arxiv.org/abs/1505.00062".into(),
            settings: vec![Setting {
                name: "probes".into(),
                summary: "Probes a slot, from 1 to 1000; k probes make for a peak of k / (k - 1)"
                    .into(),
                default: "21".into(),
            }],
        }
    }

    fn declare() -> Traits {
        Traits { weighted: false, virtual_nodes: false, tail_only: false, max_servers: None }
    }

    fn slot(request: u64, slots: u32) -> u32 {
        scale(mix(request), slots)
    }

    fn arrange(topology: Topology) -> Result<Layout, String> {
        let probes: u32 = number(&topology.settings, "probes", 1..=1_000)?;
        table(&topology, |shares| {
            let all = u64::from(probes) * u64::from(topology.slots);
            if all > MOST_PROBES {
                return Err(format!("{all} slots times probes: at most {MOST_PROBES}"));
            }
            let point = |s: &Share| (mix_pair(s.server.id, 0), s.position);
            let points = Points::of(shares.iter().map(point).collect());
            Ok((0..topology.slots).map(|slot| points.nearest(slot, probes)).collect())
        })
    }
}

ringwright_plugin::export_hash!(MultiProbe);

/// The servers' points, clockwise.
struct Points {
    points: Vec<(u64, u32)>,
    /// For each of as many equal arcs as there are points, the first point from its start on.
    from: Vec<u32>,
}

impl Points {
    fn of(mut points: Vec<(u64, u32)>) -> Self {
        points.sort_unstable();
        let arcs = points.len() as u32;
        let mut from = Vec::with_capacity(points.len());
        for arc in 0..arcs {
            from.push(points.partition_point(|(point, _)| scale(*point, arcs) < arc) as u32);
        }
        Points { points, from }
    }

    /// Whose point is nearest to one of the probes.
    fn nearest(&self, slot: u32, probes: u32) -> u32 {
        let (mut probe, step) = (mix_pair(slot, 1), mix_pair(slot, 2));
        let mut nearest = (u64::MAX, 0);
        for _ in 0..probes {
            let (point, server) = self.next(probe);
            nearest = nearest.min((point.wrapping_sub(probe), server));
            probe = probe.wrapping_add(step);
        }
        nearest.1
    }

    /// The first point clockwise.
    fn next(&self, probe: u64) -> (u64, u32) {
        let from = self.from[scale(probe, self.from.len() as u32) as usize] as usize;
        let next = self.points[from..].iter().find(|(point, _)| *point >= probe);
        *next.unwrap_or(&self.points[0])
    }
}

#[cfg(test)]
mod tests {
    use ringwright_plugin::testing::hash::{
        keeps_the_contract, moves, owners, peak, peak_of_h, servers, set, topology,
    };

    use super::*;

    #[test]
    fn it_keeps_the_contract() {
        keeps_the_contract::<MultiProbe>();
    }

    #[test]
    fn the_next_point_is_the_first_clockwise() {
        let points: Vec<(u64, u32)> = (0..100).map(|i| (mix(i), i as u32)).collect();
        let fast = Points::of(points.clone());
        for probe in (1_000..2_000).map(mix).chain([0, u64::MAX]) {
            let nearest = points.iter().min_by_key(|(point, _)| point.wrapping_sub(probe));
            assert_eq!(Some(&fast.next(probe)), nearest);
        }
    }

    /// The paper's 21 probes make for a peak of 1.05; ten points and so few slots do not reach it.
    #[test]
    fn probes_make_it_even() {
        assert!(peak_of_h::<MultiProbe>(512) < 1.1);
        assert!(peak::<MultiProbe>(&servers(1..=10), 65_537) < 1.2);
        let mut one = topology::<MultiProbe>(servers(1..=10), 512);
        set(&mut one.settings, "probes", "1");
        let Ok(Layout::Table(one)) = MultiProbe::arrange(one) else { unreachable!() };
        let most = (0..10).map(|s| one.iter().filter(|o| **o == s).count()).max();
        assert!(most > Some(100), "of 512, of which 51 would be fair");
    }

    #[test]
    fn only_what_must_moves() {
        let grown = moves::<MultiProbe>(&servers(1..=10), &servers(1..=11), 65_537);
        assert!(grown.needless == 0 && grown.moved > 0, "{grown:?}");
        let shrunk = servers((1..=10).filter(|id| *id != 4));
        assert_eq!(moves::<MultiProbe>(&servers(1..=10), &shrunk, 65_537).needless, 0);
    }

    #[test]
    fn what_would_take_too_long_is_refused() {
        let mut topology = topology::<MultiProbe>(servers([1, 2]), 1 << 20);
        set(&mut topology.settings, "probes", "33");
        assert!(MultiProbe::arrange(topology.clone()).is_err());
        set(&mut topology.settings, "probes", "0");
        assert!(MultiProbe::arrange(topology).is_err_and(|e| e.contains("'probes'")));
        assert_eq!(owners::<MultiProbe>(&servers([3]), 4), [3; 4]);
    }
}
