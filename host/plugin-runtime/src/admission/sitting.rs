//! An instance that is asked again and again, and replaced where it fails.

use std::time::{Duration, Instant};

use crate::{CallError, HashPlugin, PlacementPlugin, hash, placement};

/// How often what took too long is asked for again. A busy machine may take the thread its
/// processor for as long as that; only what is slow each time is slow.
const MORE_TRIES: usize = 2;

/// A plugin of either kind.
pub(super) trait Subject {
    type Instance;

    /// An instance that nobody else uses.
    fn start(&self) -> Result<Self::Instance, CallError>;
}

impl Subject for HashPlugin {
    type Instance = hash::Instance;

    fn start(&self) -> Result<hash::Instance, CallError> {
        self.fresh()
    }
}

impl Subject for PlacementPlugin {
    type Instance = placement::Instance;

    fn start(&self) -> Result<placement::Instance, CallError> {
        self.fresh()
    }
}

/// A plugin under examination, and its instance.
pub(super) struct Sitting<'p, P: Subject> {
    pub(super) plugin: &'p P,
    until: Instant,
    instance: Option<P::Instance>,
}

impl<'p, P: Subject> Sitting<'p, P> {
    /// A sitting of that length: what is asked later has taken too long.
    pub(super) fn of(plugin: &'p P, length: Duration) -> Self {
        Sitting { plugin, until: Instant::now() + length, instance: None }
    }

    /// An instance that nobody else uses.
    pub(super) fn start(&self) -> Result<P::Instance, CallError> {
        if Instant::now() >= self.until {
            return Err(CallError::TimedOut);
        }
        self.plugin.start()
    }

    /// The next question goes to a fresh instance.
    pub(super) fn renew(&mut self) {
        self.instance = None;
    }

    /// Asks for what a request waits for, and has little time: patiently.
    pub(super) fn ask_patiently<T>(
        &mut self,
        mut question: impl FnMut(&mut P::Instance) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        for _ in 0..MORE_TRIES {
            match self.ask(&mut question) {
                Err(CallError::TimedOut) => {}
                told => return told,
            }
        }
        self.ask(question)
    }

    /// Asks the instance, or a fresh one where the last has failed.
    pub(super) fn ask<T>(
        &mut self,
        question: impl FnOnce(&mut P::Instance) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let mut instance = match self.instance.take().filter(|_| Instant::now() < self.until) {
            Some(instance) => instance,
            None => self.start()?,
        };
        let told = question(&mut instance);
        if !told.as_ref().is_err_and(CallError::is_fault) {
            self.instance = Some(instance);
        }
        told
    }

    /// What the instance tells of itself, where there is one.
    pub(super) fn look<T>(&self, look: impl FnOnce(&P::Instance) -> T) -> Option<T> {
        self.instance.as_ref().map(look)
    }
}
