//! Compares hash functions on the components themselves: nothing is rebuilt, and whatever the host
//! loads can be compared.
//!
//! [`gather`] loads files, [`compare`] measures and answers data, and [`report`] shows the data to
//! people and machines. What a function cannot do is no figure but a reason.

mod chance;
mod compare;
mod cost;
mod figures;
mod gather;
mod grid;
mod keys;
mod moves;
mod native;
mod paper;
pub mod report;
mod scope;
mod spread;
#[cfg(test)]
mod tests;
mod virtual_nodes;

pub use compare::{compare, steps};
pub use figures::{
    About, Arc, Build, ChanceSpread, Change, Comparison, Cost, Counts, Figure, Figures, Grown,
    Left, Moved, Moves, Native, Paper, Reach, Ring, Spread, Spreads,
};
pub use gather::{Gathered, Subject, gather};
pub use keys::{Keys, SEED, six_digits};
pub use paper::{owners, shares};
pub use scope::Scope;
