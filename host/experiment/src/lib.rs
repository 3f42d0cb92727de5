//! The paper's experiments (its section 4), repeated on a live cluster.
//!
//! [`Lab`] starts clusters, [`run`] does an [`Experiment`] in it, and what comes of it is an
//! [`Outcome`]: what was measured, plots, the raw samples, and a paragraph that says what they
//! show, chosen by what was measured. [`Results`] are several of them, and [`report`] writes these as
//! a page and as files.

mod balance;
mod experiment;
mod lab;
mod load;
mod losing;
mod outcome;
mod paper;
mod recovery;
pub mod report;
mod results;
mod rows;
mod sample;
mod scope;
mod stats;
mod swap;
mod verdict;

pub use experiment::{Experiment, run, steps};
pub use lab::{Lab, Where, load_average};
pub use outcome::{Drawn, Finding, Outcome, Run};
pub use results::{Failure, Results};
pub use ringwright_compare::SEED;
pub use sample::Sample;
pub use scope::Scope;
