//! A Postgres of one's own: found, initialised, started, watched and stopped; and connections to
//! any.
//!
//! [`Postgres::start`] takes a folder, which is its own from then on, and answers a server that
//! accepts connections on a Unix socket and, if asked to, over TCP. The server never outlives the
//! program; whatever ended that, the next start on the folder finds every committed transaction.

mod account;
mod binaries;
mod cluster;
mod connections;
mod error;
mod folder;
mod leftover;
mod log;
mod password;
mod postgres;
mod process;
mod settings;
mod socket;

pub use connections::{Connections, Lent, Session};
pub use error::PostgresError;
pub use password::Password;
pub use postgres::Postgres;
pub use settings::{Settings, Tcp};
