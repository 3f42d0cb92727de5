//! The paper's figures.

use super::support::{gathered, of};
use crate::grid::reached;

/// How many of all six-digit ids, in 10,000, each server gets; and that the drawn ones agree.
fn assert_counts(plugin: &str, servers: u32, expected: &[u64]) {
    let run = of(plugin).paper.iter().find(|p| p.servers == servers).unwrap();
    let counts = run.counts.known().unwrap();
    assert_eq!(counts.requests.iter().sum::<u64>(), 10_000);
    assert_eq!(counts.mean, 10_000.0 / f64::from(servers));
    for (&got, &expected) in counts.requests.iter().zip(expected) {
        let share = expected as f64 / 10_000.0;
        let noise = (10_000.0 * share * (1.0 - share)).sqrt();
        let off = (got as f64 - expected as f64).abs();
        assert!(off < 4.0 * noise + 1.0, "{plugin} on {servers}: {:?}", counts.requests);
    }
    assert_eq!(counts.requests.len(), expected.len());
}

/// What the authors' plots are samples of.
#[test]
fn the_papers_plots_come_out() {
    assert_counts("virtual-node", 3, &[8_359, 469, 1_172]);
    assert_counts("virtual-node", 6, &[7_266, 469, 938, 391, 547, 391]);
    assert_counts("md5", 3, &[2_344, 2_772, 4_884]);
    assert_counts("md5", 6, &[1_620, 2_536, 746, 1_422, 2_606, 1_070]);
    assert_counts("quadratic", 3, &[9_609, 0, 391]);
}

/// The bars that can be read off them, as nearly as they can.
#[test]
fn the_authors_bars_are_met() {
    let bars: [(&str, u32, &[f64]); 4] = [
        ("virtual-node", 3, &[8_360.0, 480.0, 1_160.0]),
        ("virtual-node", 6, &[7_240.0, 480.0, 920.0, 400.0, 550.0, 400.0]),
        ("md5", 3, &[2_400.0, 2_750.0, 4_840.0]),
        ("md5", 6, &[1_650.0, 2_530.0, 750.0, 1_465.0, 2_530.0, 1_075.0]),
    ];
    for (plugin, servers, bars) in bars {
        let run = of(plugin).paper.iter().find(|p| p.servers == servers).unwrap();
        for (&got, bar) in run.counts.known().unwrap().requests.iter().zip(bars) {
            // Two samples, theirs and ours, and the eye.
            let noise = (2.0 * bar * (1.0 - bar / 10_000.0)).sqrt();
            assert!((got as f64 - bar).abs() < 4.0 * noise + 20.0, "{plugin}: {got} and {bar}");
        }
    }
}

/// H(i) = (i + 1)² + 16: there are few squares among the numbers mod 512.
#[test]
fn the_papers_h_reaches_87_slots_of_512() {
    for plugin in ["quadratic", "virtual-node"] {
        let reach = &of(plugin).reach[0];
        assert_eq!((reach.slots, reach.reached.known()), (512, Some(&87)), "{plugin}");
    }
    assert_eq!(of("md5").reach[0].reached.known(), Some(&512));
    let ring = of("virtual-node").ring.known().unwrap();
    assert_eq!(ring.reached.len(), 87, "10,000 requests meet them all");
}

#[test]
fn of_a_prime_number_of_slots_squares_are_half() {
    let gathered = gathered(&[]);
    let of = |name: &str| &gathered.subjects.iter().find(|s| s.name == name).unwrap().plugin;
    assert_eq!(reached(of("quadratic"), 4_099), Ok(2_050));
    assert_eq!(reached(of("md5"), 4_099), Ok(4_099));
}

/// The paper's Φ stands close together: all arcs but those of the first few slots are one.
#[test]
fn the_papers_ring_is_mostly_one_arc() {
    let ring = of("virtual-node").ring.known().unwrap();
    assert_eq!(ring.arcs.first().unwrap().from, 0);
    assert_eq!(ring.arcs.last().unwrap().to, 512);
    let longest = ring.arcs.iter().max_by_key(|arc| arc.to - arc.from).unwrap();
    assert!(longest.to - longest.from > 350 && longest.server == 0, "{longest:?}");
}
