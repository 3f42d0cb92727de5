//! The balancer: the REST API ([`api`]) over the replicated database, the watch over the servers
//! ([`supervisor`]), the changes of their number ([`shaping`]) and the plugins that decide
//! ([`brain`], [`choosing`], [`routing`]). What it counts is in [`metrics`].

pub mod api;
mod balancer;
pub mod brain;
pub mod choosing;
pub mod fleet;
mod live;
pub mod metrics;
pub mod routing;
pub mod settings;
pub mod shaping;
mod shown;
pub mod supervisor;

pub use balancer::Balancer;
pub use settings::Settings;
