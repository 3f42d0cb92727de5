//! The paper's experiment: 10,000 six-digit request ids on few servers.
//!
//! Servers are numbered from 1 and so are virtual nodes, as in the authors' code and plots; the
//! paper's text counts from 0.

use ringwright_plugin_runtime::{CallError, HashPlugin};
use ringwright_ring::Table;

use crate::moves::servers;
use crate::spread::loads;
use crate::{Arc, Counts, Figure, Paper, Ring};

/// The paper's M.
const SLOTS: u32 = 512;
/// The paper's K, log2 of M.
const VIRTUAL_NODES: u32 = 9;
/// Requests.
pub(crate) const REQUESTS: usize = 10_000;

/// The counts on 2 to 6 servers, and the ring of 3.
pub(crate) fn measure(plugin: &HashPlugin, ids: &[u64]) -> (Vec<Paper>, Figure<Ring>) {
    let slots = plugin.slots(ids, SLOTS);
    let table = |count| plugin.table(&servers(count), VIRTUAL_NODES, SLOTS);
    let of = |count| -> Result<Counts, CallError> {
        Ok(counts(loads(&table(count)?, slots.as_ref().map_err(Clone::clone)?)))
    };
    let paper = (2..=6)
        .map(|count| Paper { servers: count, counts: Figure(of(count).map_err(|e| e.to_string())) })
        .collect();
    let ring = slots.clone().and_then(|slots| Ok(ring(&table(3)?, slots)));
    (paper, Figure(ring.map_err(|e| e.to_string())))
}

/// The share of all six-digit ids that each of so many servers gets: what every run of the
/// experiment is a sample of.
///
/// # Errors
/// Where the function fails.
pub fn shares(plugin: &HashPlugin, count: u32) -> Result<Vec<f64>, CallError> {
    let ids: Vec<u64> = (100_000..=999_999).collect();
    let table = plugin.table(&servers(count), VIRTUAL_NODES, SLOTS)?;
    let loads = loads(&table, &plugin.slots(&ids, SLOTS)?);
    Ok(loads.into_iter().map(|load| load as f64 / ids.len() as f64).collect())
}

/// Who owns each slot of the paper's ring of so many servers: the place of one.
///
/// # Errors
/// Where the function fails.
pub fn owners(plugin: &HashPlugin, count: u32) -> Result<Vec<Option<usize>>, CallError> {
    let table = plugin.table(&servers(count), VIRTUAL_NODES, SLOTS)?;
    Ok((0..table.slots()).map(|slot| table.owner(slot)).collect())
}

fn counts(requests: Vec<u64>) -> Counts {
    let of = requests.len() as f64;
    let mean = requests.iter().sum::<u64>() as f64 / of;
    let squares: f64 = requests.iter().map(|&n| (n as f64 - mean).powi(2)).sum();
    Counts { requests, mean, deviation: (squares / of).sqrt() }
}

fn ring(table: &Table, mut reached: Vec<u32>) -> Ring {
    let mut arcs: Vec<Arc> = Vec::new();
    for slot in 0..table.slots() {
        let Some(server) = table.owner(slot) else { continue };
        match arcs.last_mut() {
            Some(last) if last.server == server => last.to = slot + 1,
            _ => arcs.push(Arc { from: slot, to: slot + 1, server }),
        }
    }
    reached.sort_unstable();
    reached.dedup();
    Ring { slots: table.slots(), arcs, reached }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use ringwright_ring::Layout;

    use super::*;

    #[test]
    fn counts_have_a_mean_and_a_deviation() {
        let counts = counts(vec![2, 4, 4, 4, 5, 5, 7, 9]);
        assert_eq!((counts.mean, counts.deviation), (5.0, 2.0));
    }

    #[test]
    fn a_ring_is_cut_into_arcs() {
        let table = Table::build(Layout::Table(vec![1, 1, 0, 1]), 2, 4).unwrap();
        let ring = ring(&table, vec![3, 0, 3]);
        let arc = |from, to, server| Arc { from, to, server };
        assert_eq!(ring.arcs, [arc(0, 2, 1), arc(2, 3, 0), arc(3, 4, 1)]);
        assert_eq!(ring.reached, [0, 3]);
    }
}
