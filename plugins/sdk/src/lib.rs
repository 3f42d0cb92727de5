//! What plugins share, so that each is its algorithm and nothing else.
//!
//! A hash function implements [`HashFunction`] and is exported with [`export_hash!`]; a placement
//! policy implements [`Policy`] and is exported with [`export_placement!`]. The rest is here for
//! whoever can use it.

pub mod board;
pub mod continuum;
pub mod digest;
pub mod hash;
pub mod jump;
pub mod load;
pub mod mix;
pub mod placement;
pub mod settings;
pub mod shares;
#[cfg(feature = "testing")]
pub mod testing;

pub use hash::HashFunction;
pub use placement::Policy;
