//! Why a plugin could not be loaded, and how a call failed.

use wasmtime::Trap;

use crate::limits::OutOfMemory;
use crate::text::fit;

/// How a call of a plugin failed. None of these harms the host or a later call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It took longer than it may.
    #[error("it took too long and was stopped")]
    TimedOut,
    /// It wanted more memory than it may have.
    #[error(
        "it wanted {} of memory and may have {}; 'plugin-memory' grants it more",
        mebibytes(*wanted), mebibytes(*granted)
    )]
    OutOfMemory {
        /// The bytes it would have had.
        wanted: usize,
        /// The bytes it may have.
        granted: usize,
    },
    /// It recursed too deeply.
    #[error("its stack overflowed")]
    StackOverflow,
    /// It failed; a panic looks like `unreachable`.
    #[error("it failed: {0}")]
    Trap(String),
    /// It answered more data than it may.
    #[error("its answer is too large")]
    TooLarge,
    /// There are no slots to choose from.
    #[error("there are no slots")]
    NoSlots,
    /// It answered a slot that there is not.
    #[error("it answered slot {slot} of {slots}")]
    OutOfRange {
        /// Its answer.
        slot: u32,
        /// How many there are.
        slots: u32,
    },
    /// It answered another number of slots than it was asked for.
    #[error("it answered {got} slots for {asked} requests")]
    Length {
        /// Slots it answered.
        got: usize,
        /// Requests it was given.
        asked: usize,
    },
    /// It answered otherwise for one request alone than for it among others.
    #[error("of request {request} it answers slot {alone} alone and {among} among others")]
    Disagrees {
        /// The request.
        request: u64,
        /// Its slot by `slot`.
        alone: u32,
        /// Its slot by `slots`.
        among: u32,
    },
    /// What it answered is no layout.
    #[error("its layout: {0}")]
    Layout(ringwright_ring::LayoutError),
    /// It says that it cannot do this.
    #[error("{0}")]
    Refused(String),
    /// Its plan may not be carried out.
    #[error("its plan is unlawful: {0}")]
    Unlawful(String),
}

impl CallError {
    /// Whether the plugin broke its contract: it failed, took too much, or lied. Its instance is
    /// thrown away then: after a trap it refuses every call, after an over-large answer it keeps
    /// that answer's memory, and after a lie there is no telling what state it is in.
    pub fn is_fault(&self) -> bool {
        !matches!(self, CallError::Refused(_) | CallError::NoSlots)
    }

    /// Whether the same question may be answered another time. A plugin is pure, so what it
    /// refused or lied about it will again; but time and memory depend on the machine too.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            CallError::TimedOut
                | CallError::OutOfMemory { .. }
                | CallError::StackOverflow
                | CallError::Trap(_)
        )
    }
}

impl From<wasmtime::Error> for CallError {
    fn from(error: wasmtime::Error) -> Self {
        if let Some(&OutOfMemory { wanted, granted }) = error.downcast_ref() {
            return CallError::OutOfMemory { wanted, granted };
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => CallError::TimedOut,
            Some(Trap::StackOverflow) => CallError::StackOverflow,
            Some(trap) => CallError::Trap(fit(&trap.to_string())),
            // The runtime has no type for this one, only its text.
            None if error.to_string().contains("fuel allocated for hostcalls") => {
                CallError::TooLarge
            }
            None => CallError::Trap(fit(&error.root_cause().to_string())),
        }
    }
}

/// Bytes as people read them.
fn mebibytes(bytes: usize) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

/// Why a plugin was not loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The engine that runs plugins could not be started.
    #[error("the plugin engine did not start: {0}")]
    Engine(String),
    /// A file larger than a plugin may be.
    #[error("{size} bytes are more than the {most} a plugin may have")]
    Size {
        /// Its size.
        size: usize,
        /// The most there may be.
        most: usize,
    },
    /// Not a component.
    #[error("it is no WebAssembly component: {0}")]
    NotAComponent(String),
    /// It asks the host for something; plugins get nothing.
    #[error("it imports what plugins are not given: {0}")]
    Imports(String),
    /// A component that is neither a hash function nor a placement policy.
    #[error("it exports neither {hash} nor {placement}", hash = crate::api::HASH,
        placement = crate::api::PLACEMENT)]
    NotAPlugin,
    /// A plugin of a version that this host does not load.
    #[error(
        "it was built for version {built_for} of the plugin interface; this host loads {loads}"
    )]
    Version {
        /// Its version.
        built_for: String,
        /// Those that are loaded.
        loads: String,
    },
    /// It exports the interface's name with something else behind it.
    #[error("its interface is not that of this version: {0}")]
    Interface(String),
    /// It failed to start or to describe itself.
    #[error("it did not describe itself: {0}")]
    Describe(CallError),
    /// What it says of itself cannot be shown.
    #[error("its description: {0}")]
    Description(String),
}

/// Why a plugin's settings were not set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// It has no such setting.
    #[error("it has no setting '{name}'; it has: {}", if known.is_empty() { "none" } else { known })]
    Unknown {
        /// The name given.
        name: String,
        /// Those it has.
        known: String,
    },
    /// A value that plugins are not given.
    #[error("the value of setting '{name}' is too long or has control characters")]
    Value {
        /// The setting's name.
        name: String,
    },
}
