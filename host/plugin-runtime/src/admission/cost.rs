//! Timing what a plugin does.

use std::time::{Duration, Instant};

use super::trial::{Doing as _, Fault};
use crate::CallError;

pub(super) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The shortest of some runs, which the machine disturbed least; `None` where it cannot do this, or
/// not in time.
pub(super) fn shortest<T>(
    runs: usize,
    mut run: impl FnMut() -> Result<T, CallError>,
) -> Result<Option<Duration>, Fault> {
    let mut shortest = None;
    for _ in 0..runs {
        let began = Instant::now();
        match run() {
            Err(CallError::Refused(_) | CallError::TimedOut) => return Ok(None),
            told => told.doing("asked again and again, to be timed")?,
        };
        let took = began.elapsed();
        shortest = Some(shortest.map_or(took, |least: Duration| least.min(took)));
    }
    Ok(shortest)
}
