//! `ringwright plugin upload`: hands a plugin to a balancer.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::client::{self, Client};
use crate::output::{self, Output, text};

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// The component.
    file: PathBuf,
    #[command(flatten)]
    balancer: client::Args,
    #[command(flatten)]
    output: output::Args,
}

/// Uploads it.
pub async fn run(args: Args) -> Result<ExitCode> {
    let component = super::read(&args.file)?;
    let path = format!("/plugins?file={}", encoded(&super::stem(&args.file)));
    let listed = Client::new(&args.balancer)?.upload(&path, component).await?.ok()?;
    let told = match args.output.output {
        Output::Json => serde_json::to_string_pretty(&listed)?,
        Output::Text => format!(
            "{} {} is listed with a score of {}; ringwright plugin swap {0} shows what it would change",
            text(&listed["name"]),
            text(&listed["version"]),
            text(&listed["score"]),
        ),
    };
    output::print(&told)?;
    Ok(ExitCode::SUCCESS)
}

/// As a query takes it, whatever is in it.
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let byte = |b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") };
    name.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_can_be_sent() {
        assert_eq!(encoded("My_hash-1.2"), "My_hash-1.2");
        assert_eq!(encoded("a b&é"), "a%20b%26%C3%A9");
    }
}
