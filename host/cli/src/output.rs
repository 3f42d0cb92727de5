//! For whom a tool's answer is written.

use std::io::{ErrorKind, Result, Write};

/// How to answer.
#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// An answer for people, or JSON for machines.
    #[arg(long, env = "RINGWRIGHT_OUTPUT", value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// For whom.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Writes the answer. A reader that has seen enough of it (`| head`) is no error.
pub fn print(answer: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{answer}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}
