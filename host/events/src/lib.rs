//! What happens to the cluster: told to the log, kept in the metadata store, and shown to whoever
//! looks on.
//!
//! [`tell!`] does all three at once, so that the log and the events cannot say different things.
//! It never waits: [`Events`] keeps what it is told in memory, and a task of its own writes it to
//! the store, which may be away. Every charge has an `Events` of its own, and numbers of its own.

mod events;
mod feed;
mod tell;
mod writer;

pub use events::Events;
pub use feed::{Feed, Replay};
pub use ringwright_model::{Event, EventId, EventKind};

/// For [`tell!`].
#[doc(hidden)]
pub mod told {
    pub use serde_json::json;
    pub use tracing;
}
