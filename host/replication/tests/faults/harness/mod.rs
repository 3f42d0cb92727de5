//! The world the tests run in: real parts with faults between them.

mod clock;
mod disk;
mod fate;
mod gate;
mod server;
mod store;
mod world;

pub use clock::TestClock;
pub use disk::Found;
pub use fate::{Dice, Fate};
pub use gate::{Gate, soon, until};
pub use server::{Faulty, Kind};
pub use store::{FaultyStore, StoreKind};
pub use world::{Balancer, SHARDS, TERM, World, delete, insert, update};
