//! How a tool's answer is written, and for whom.

use std::fmt::Display;
use std::io::{ErrorKind, Result, Write};

use bytesize::ByteSize;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use serde_json::Value;

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

/// Says something that is no answer, on standard error.
///
/// # Errors
/// Where it cannot be written.
pub fn say(what: impl Display) -> Result<()> {
    writeln!(std::io::stderr(), "ringwright: {what}")
}

/// A table without rows.
pub fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header);
    table
}

/// The items of a list; none of what is no list.
pub fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// A value for people: a text as it is, the rest as JSON.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A share of all, from 0 to 1, for people.
pub fn percent(share: &Value) -> String {
    share.as_f64().map_or_else(|| "n/a".into(), |s| format!("{:.1} %", s * 100.0))
}

/// Bytes for people.
pub fn bytes(count: Option<u64>) -> String {
    count.map_or_else(|| "unknown".into(), |count| ByteSize::b(count).to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_are_for_people() {
        assert_eq!(percent(&json!(0.3333)), "33.3 %");
        assert_eq!(percent(&json!(null)), "n/a");
        assert_eq!(bytes(Some(2048)), "2.0 KiB");
        assert_eq!(bytes(None), "unknown");
    }
}
