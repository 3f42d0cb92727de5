//! What a function costs, in time and memory.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ringwright_plugin_runtime::{CallError, HashPlugin};

use crate::moves::servers;
use crate::native::twin;
use crate::{Build, Cost, Figure, Keys, Native, Scope};

/// Keys that the host hands to an instance at once, at most.
const FULL_BATCH: usize = 65_536;
/// Keys of a timed batch.
const BATCH: usize = 10_000;
/// Calls of which a scalar call's time is the mean.
const CALLS: usize = 2_000;
/// Longest that one figure is measured, except where it takes longer once.
const PATIENCE: Duration = Duration::from_millis(400);

/// Measures it, with an instance of its own. Nothing else should run meanwhile.
pub(crate) fn measure(plugin: &HashPlugin, scope: &Scope) -> Cost {
    let plugin = plugin.seated();
    let keys = Keys::Uniform.draw(FULL_BATCH);
    let keys = &keys[..];
    let slots = scope.most_slots();
    let told = |result: Result<f64, CallError>| Figure(result.map_err(|e| e.to_string()));
    let warmed_up = plugin.slots(keys, slots);
    let instance_bytes = warmed_up.and_then(|_| plugin.instance_bytes());
    Cost {
        lookup_ns: told(lookup(&plugin, scope, &keys[..BATCH], slots)),
        scalar_ns: told(time(scope.rounds, CALLS, || {
            keys[..CALLS].iter().try_for_each(|&key| plugin.slot(key, slots).map(drop))
        })),
        batch_ns: told(time(scope.rounds, BATCH, || plugin.slots(&keys[..BATCH], slots).map(drop))),
        native: Figure(native(&plugin, scope, &keys[..BATCH], slots)),
        builds: builds(&plugin, scope),
        instance_bytes: Figure(instance_bytes.map_err(|e| e.to_string())),
    }
}

/// A slot of a table, which is the host's part of a request.
fn lookup(plugin: &HashPlugin, scope: &Scope, keys: &[u64], slots: u32) -> Result<f64, CallError> {
    let table = plugin.table(&servers(scope.few()), scope.virtual_nodes, slots)?;
    let hashed = plugin.slots(keys, slots)?;
    time(scope.rounds, hashed.len(), || {
        let owners = hashed.iter().filter_map(|&slot| table.owner(slot));
        black_box(owners.fold(0_usize, usize::wrapping_add));
        Ok(())
    })
}

fn native(plugin: &HashPlugin, scope: &Scope, keys: &[u64], slots: u32) -> Result<Native, String> {
    let slots_of = twin(&plugin.description().name, plugin, keys, slots)?;
    let timed = time(scope.rounds, keys.len(), || {
        black_box(slots_of(keys.to_vec(), slots));
        Ok(())
    });
    Ok(Native { batch_ns: timed.map_err(|e| e.to_string())? })
}

/// From the smallest table to the largest.
fn builds(plugin: &HashPlugin, scope: &Scope) -> Vec<Build> {
    let sizes = scope.servers.iter().copied().zip(scope.slots.iter().copied());
    let build = |(count, slots)| {
        let servers = servers(count);
        let built =
            time(scope.rounds, 1, || plugin.table(&servers, scope.virtual_nodes, slots).map(drop));
        let milliseconds = built.map(|ns| ns / 1e6).map_err(|e| e.to_string());
        Build { servers: count, slots, milliseconds: Figure(milliseconds) }
    };
    sizes.map(build).collect()
}

/// The median time of one of so many things that are done at once, in nanoseconds.
fn time(
    rounds: usize,
    things: usize,
    mut run: impl FnMut() -> Result<(), CallError>,
) -> Result<f64, CallError> {
    let began = Instant::now();
    let mut times = Vec::with_capacity(rounds);
    while times.is_empty() || times.len() < rounds && began.elapsed() < PATIENCE {
        let start = Instant::now();
        run()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2].as_nanos() as f64 / things as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_the_median_of_its_rounds() {
        let mut calls = 0;
        let timed = time(5, 10, || {
            calls += 1;
            Ok(())
        });
        assert!(timed.is_ok_and(|ns| ns >= 0.0));
        assert_eq!(calls, 5);
    }

    #[test]
    fn what_fails_has_no_time() {
        assert_eq!(time(5, 1, || Err(CallError::TimedOut)), Err(CallError::TimedOut));
    }
}
