//! The one engine, and the clock that stops guests.

use std::thread;
use std::time::Duration;

use wasmtime::{Config, Engine};

use crate::LoadError;

/// How often the clock ticks, and so the grain of deadlines.
const TICK: Duration = Duration::from_millis(1);

/// The stack of a guest. It is part of the calling thread's, which may be as small as 2 MiB.
const STACK_BYTES: usize = 512 << 10;

/// An engine whose epoch a thread advances for as long as the engine lives.
pub(crate) fn start() -> Result<Engine, LoadError> {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false) // guests are never async, and scalar calls cost a third
        .epoch_interruption(true)
        // The same bits on every machine: balancers must agree where a request goes.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .max_wasm_stack(STACK_BYTES);
    let engine = Engine::new(&config).map_err(|e| LoadError::Engine(e.to_string()))?;
    let weak = engine.weak();
    let clock = move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    };
    thread::Builder::new()
        .name("plugin-clock".into())
        .spawn(clock)
        .map_err(|e| LoadError::Engine(e.to_string()))?;
    Ok(engine)
}

/// A time as ticks; one more, because the first may come at once.
pub(crate) fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_millis().div_ceil(TICK.as_millis())).unwrap_or(u64::MAX / 2) + 1
}
