//! An instance of a plugin, and the only way to call one: with a deadline, and a bound on what it
//! may answer.

use std::time::Duration;

use wasmtime::{Engine, Store};

use crate::CallError;
use crate::engine::ticks;
use crate::grants::Granted;
use crate::limits::Limits;

/// The most that a plugin may say of itself.
pub(crate) const ABOUT_BYTES: usize = 64 << 10;

/// Room for a refusal's reason beside an answer's data.
pub(crate) const REASON_BYTES: usize = 4 << 10;

/// The most that a guest may say at once to what stands in for a terminal.
const SPOKEN_BYTES: usize = 4 << 10;

/// An instance with its exports.
pub(crate) struct Guest<Exports> {
    store: Store<Limits>,
    exports: Exports,
    answer_bytes: usize,
}

impl<Exports> Guest<Exports> {
    /// Starts an instance.
    pub(crate) fn start(
        engine: &Engine,
        granted: &Granted,
        deadline: Duration,
        instantiate: impl FnOnce(&mut Store<Limits>) -> wasmtime::Result<Exports>,
    ) -> Result<Self, CallError> {
        let mut store = Store::try_new(engine, Limits::new(granted.memory_bytes))?;
        store.limiter(|limits| limits);
        store.set_hostcall_fuel(SPOKEN_BYTES);
        store.set_epoch_deadline(ticks(deadline));
        let exports = instantiate(&mut store)?;
        Ok(Guest { store, exports, answer_bytes: granted.answer_bytes })
    }

    /// Calls it; the answer may take so long and so many bytes.
    pub(crate) fn call<R>(
        &mut self,
        deadline: Duration,
        answer_bytes: usize,
        call: impl FnOnce(&Exports, &mut Store<Limits>) -> wasmtime::Result<R>,
    ) -> Result<R, CallError> {
        self.store.set_hostcall_fuel(answer_bytes.min(self.answer_bytes).max(SPOKEN_BYTES));
        self.store.set_epoch_deadline(ticks(deadline));
        Ok(call(&self.exports, &mut self.store)?)
    }

    /// The memory it has come to hold.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.store.data().memory_bytes()
    }
}
