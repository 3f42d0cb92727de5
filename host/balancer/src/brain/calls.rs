//! Calls of a plugin in use: how many, and how long they take.

use prometheus::core::Collector;
use prometheus::{Histogram, HistogramVec};
use ringwright_metrics::{boxed, call_seconds_by};

use super::kind::Kind;

/// The calls of one plugin in use since it was chosen; those that fail count too.
pub struct Calls {
    of: HistogramVec,
    /// Of what it is there for.
    asked: Histogram,
}

impl Calls {
    pub(super) fn new<P: Kind>(name: &str) -> Self {
        let of = call_seconds_by(
            "ringwright_plugin_call_duration_seconds",
            "Time that calls of a plugin in use take, by what it is asked.",
            &[("name", name), ("kind", P::NAME)],
            &["call"],
        );
        let asked = of.with_label_values(&[P::ASKED]);
        Calls { of, asked }
    }

    /// Measures a call for what the plugin is there for: a slot, a plan.
    pub fn asked<R>(&self, call: impl FnOnce() -> R) -> R {
        self.asked.observe_closure_duration(call)
    }

    /// Measures a call for the layout of some servers.
    pub fn arranged<R>(&self, call: impl FnOnce() -> R) -> R {
        self.of.with_label_values(&["arrange"]).observe_closure_duration(call)
    }

    /// They, for a registry.
    pub fn collector(&self) -> Box<dyn Collector> {
        boxed(&self.of)
    }
}
