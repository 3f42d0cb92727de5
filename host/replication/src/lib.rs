//! The replication protocol at the balancer: CAT-DAT-VAT made safe.
//!
//! [`Cluster`] is the whole of it. It talks to three things, each through a narrow interface:
//! shard servers ([`ringwright_wire::ShardServer`]), the metadata store
//! ([`ringwright_metadata::MetadataStore`]) and time ([`Clock`]), so that the same code runs
//! over a network and under injected faults.
//!
//! A write goes [`queue`] → [`round`] → [`commit`] → [`view`]; a read takes the view and asks.

mod attributes;
mod charge;
mod clock;
mod cluster;
mod commit;
mod copies;
mod error;
mod hold;
mod join;
mod keyed;
mod load;
mod member;
mod membership;
mod metrics;
mod paper;
mod queue;
mod rate;
mod read;
mod read_batch;
mod round;
mod settings;
mod store;
mod view;
mod write;

pub use charge::{Charge, NotInCharge};
pub use clock::{Clock, SystemClock};
pub use cluster::Cluster;
pub use copies::CopyProgress;
pub use error::{ClusterError, OpenError, ReadError, WriteError};
pub use load::{Load, ShardLoad};
pub use member::{InFlight, Link, Member};
pub use membership::{Expansion, Recruit};
pub use metrics::{Failures, Metrics, Traffic};
pub use read::{RangeRead, Routing};
pub use ringwright_model::Protocol;
pub use settings::Settings;
pub use view::{Served, ShardView, View};
pub use write::{Once, WriteRequest, Written};
