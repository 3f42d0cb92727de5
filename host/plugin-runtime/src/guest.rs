//! An instance of a plugin, and the only way to call one: with a deadline.

use std::time::Duration;

use wasmtime::{Engine, Store};

use crate::engine::ticks;
use crate::limits::Limits;
use crate::{CallError, Settings};

/// An instance with its exports.
pub(crate) struct Guest<Exports> {
    store: Store<Limits>,
    exports: Exports,
}

impl<Exports> Guest<Exports> {
    /// Starts an instance.
    pub(crate) fn start(
        engine: &Engine,
        settings: &Settings,
        instantiate: impl FnOnce(&mut Store<Limits>) -> wasmtime::Result<Exports>,
    ) -> Result<Self, CallError> {
        let mut store = Store::try_new(engine, Limits::new(settings.memory_bytes))?;
        store.limiter(|limits| limits);
        store.set_hostcall_fuel(settings.answer_bytes);
        store.set_epoch_deadline(ticks(settings.work_deadline));
        let exports = instantiate(&mut store)?;
        Ok(Guest { store, exports })
    }

    /// Calls it.
    pub(crate) fn call<R>(
        &mut self,
        deadline: Duration,
        call: impl FnOnce(&Exports, &mut Store<Limits>) -> wasmtime::Result<R>,
    ) -> Result<R, CallError> {
        self.store.set_epoch_deadline(ticks(deadline));
        Ok(call(&self.exports, &mut self.store)?)
    }
}
