//! `ringwright dump` and `ringwright restore`: the whole table as a file, and back.
//!
//! The file is lines of JSON: a header that has what `/init` needs to make the same cluster, the
//! rows as `/read` answers them, and an end that tells a file that was cut off or changed. Not
//! CSV: in that, a number in a `String` column would come back as a text.

mod cluster;
pub mod dump;
mod format;
pub mod restore;

use std::time::Duration;

use crate::client::{self, Client};

/// What goes for the standard input or output in the place of a file.
const STANDARD: &str = "-";

/// The balancer, and how long it may take over much.
#[derive(clap::Args)]
#[group(skip)]
struct Balancer {
    #[command(flatten)]
    address: client::Args,
    /// Longest wait for one answer: a dump is one (30s, 1h).
    #[arg(long, env = "RINGWRIGHT_ANSWER_WITHIN", default_value = "1h", value_name = "TIME",
        value_parser = humantime::parse_duration)]
    answer_within: Duration,
}

impl Balancer {
    fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::new(&self.address)?.waits(self.answer_within))
    }
}
