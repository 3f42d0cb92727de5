//! The ring: slots and who owns them.
//!
//! A hash plugin lays servers out once for each change of topology; [`Table::build`] makes an
//! array of it, and a request then costs one look-up.

mod arcs;
mod balance;
mod layout;
mod moves;
mod probing;
mod table;

pub use balance::Balance;
pub use layout::{Layout, LayoutError, Point};
pub use moves::Moves;
pub use table::{MAX_SLOTS, Table};
