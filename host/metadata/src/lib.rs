//! The metadata store: the one thing a balancer remembers.
//!
//! Everything else is rebuilt from it and from the servers. Every change carries the epoch of
//! the balancer that makes it and is refused once another has taken charge, in the same
//! transaction: this is what fences a balancer that was paused or cut off.

mod apply;
mod change;
mod database;
mod error;
mod events;
mod layout;
mod load;
mod postgres;
mod query;
mod sqlite;
mod statements;
mod store;

pub use change::{Change, RingPoint};
pub use error::MetadataError;
pub use events::KEPT_EVENTS;
pub use store::SqlStore;

use std::time::Duration;

use async_trait::async_trait;
use ringwright_model::{ClusterConfig, Epoch, Event, EventId};

/// A durable store of the cluster's metadata.
#[async_trait]
pub trait MetadataStore: Send + Sync + 'static {
    /// Who is in charge, as the store has it.
    async fn charge(&self) -> Result<Charge, MetadataError>;
    /// Takes charge where it still is as it was `seen`: a new epoch, on disk when this returns.
    /// Whoever had it has lost it. `None` where its holder has shown a sign of life since, or
    /// another has taken it.
    async fn take_charge(
        &self,
        holder: &str,
        term: Duration,
        seen: &Charge,
    ) -> Result<Option<Epoch>, MetadataError>;
    /// Shows that the holder of `epoch` lives: raises the charge's beat.
    ///
    /// # Errors
    /// [`MetadataError::ChargeLost`] where another balancer has taken charge.
    async fn renew(&self, epoch: Epoch) -> Result<(), MetadataError>;
    /// Gives the charge back, so that the next balancer need not wait for it to lapse. From then
    /// on `epoch` is in charge of nothing.
    ///
    /// # Errors
    /// [`MetadataError::ChargeLost`] where another balancer has taken charge.
    async fn release(&self, epoch: Epoch) -> Result<(), MetadataError>;
    /// The whole configuration.
    async fn load(&self) -> Result<ClusterConfig, MetadataError>;
    /// The stored ring, by slot.
    async fn ring(&self) -> Result<Vec<RingPoint>, MetadataError>;
    /// Makes all the changes, in order, in one durable transaction, or none.
    ///
    /// The same list may be sent again where it is not known whether it was made.
    ///
    /// # Errors
    /// [`MetadataError::ChargeLost`] where `epoch` is no longer the one in charge,
    /// [`MetadataError::Corrupt`] where a change names what there is not, or clashes with what
    /// there is.
    async fn apply(&self, epoch: Epoch, changes: &[Change]) -> Result<(), MetadataError>;
    /// The answer kept with a commit under an idempotency key.
    async fn remembered(&self, key: &str) -> Result<Option<Remembered>, MetadataError>;
    /// Keeps events, and the newest [`KEPT_EVENTS`] of all.
    ///
    /// It needs no charge: their numbers tell the epochs apart, and whoever has lost the charge is
    /// to be able to say so. What is kept already is left as it is.
    ///
    /// # Errors
    /// [`MetadataError::Corrupt`] where one of them can never be kept.
    async fn keep_events(&self, events: &[Event]) -> Result<(), MetadataError>;
    /// The newest events after one of that number, at most so many; the oldest of them first.
    async fn events(&self, after: EventId, newest: u32) -> Result<Vec<Event>, MetadataError>;
}

/// The charge of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The epoch of whoever holds it; 0 before the first.
    pub epoch: Epoch,
    /// Who that is.
    pub holder: String,
    /// How long it lasts its holder, who may serve for so long after a beat; zero where nobody
    /// knows.
    pub term: Duration,
    /// Grows while the holder lives. A store has no clock to trust: whoever wants the charge
    /// watches this stand still for as long as the holder's charge lasts.
    pub beat: u64,
    /// Whether the holder gave it back.
    pub released: bool,
}

/// A committed request's answer, kept so that a repeat is answered and not done again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Digest of the request, to tell a repeat from another request under the same key.
    pub fingerprint: String,
    /// The answer's body.
    pub answer: String,
}
