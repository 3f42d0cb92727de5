//! `ringwright plugin`: writing plugins, judging them, and swapping those of a balancer.

mod bill;
mod check;
mod componentize;
mod file;
mod inspect;
mod list;
mod new;
mod shadow;
mod swap;
mod upload;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Make a folder in which a new plugin is written, tested and built.
    New(new::Args),
    /// Judge a plugin as a balancer would before it lets it in.
    Check(check::Args),
    /// Show what a plugin is, without judging it.
    Inspect(inspect::Args),
    /// List the plugins of a balancer.
    List(list::Args),
    /// Hand a plugin to a balancer.
    Upload(upload::Args),
    /// Show what another plugin would change, and make it the active one.
    Swap(swap::Args),
    /// Have a second hash function see the requests, without routing by it.
    Shadow(shadow::Args),
    /// Make a component of a core module that carries its WIT; for build scripts.
    Componentize(componentize::Args),
}

/// What a plugin decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Which server a request goes to.
    Hash,
    /// Where the copies of shards go.
    Placement,
}

impl Kind {
    /// As the API calls it.
    fn name(self) -> &'static str {
        match self {
            Kind::Hash => "hash",
            Kind::Placement => "placement",
        }
    }
}

/// Does what the command says.
pub async fn run(args: Args) -> Result<ExitCode> {
    match args.command {
        Command::New(args) => new::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::List(args) => list::run(args).await,
        Command::Upload(args) => upload::run(args).await,
        Command::Swap(args) => swap::run(args).await,
        Command::Shadow(args) => shadow::run(args).await,
        Command::Componentize(args) => componentize::run(&args),
    }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

/// A file's name without its extension: the name that memory is granted by.
fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
