//! A terminal recorded: commands that are run, one after the other, beside a cluster of their own,
//! and what they print.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use ringwright_plot::{Exchange, Terminal};
use ringwright_testbed::Embedded;
use serde_json::{Value, json};

use crate::Common;
use crate::measured::Filled;

/// Runs the commands of a file against a cluster of its own, and draws what a terminal would show.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// The commands, one a line, each below the remark about it.
    #[arg(long, default_value = "docs/recording.txt")]
    commands: PathBuf,
    /// Where the picture goes.
    #[arg(long, default_value = "docs/recording.svg")]
    picture: PathBuf,
}

/// Runs them all, and tells; the second is for machines.
pub async fn run(args: &Args, data: &Path, bar: &ProgressBar) -> Result<(String, Value)> {
    let text = std::fs::read_to_string(&args.commands)
        .with_context(|| format!("cannot read {}", args.commands.display()))?;
    let commands = commands(&text);
    bar.set_length(commands.len() as u64);
    let program = args.common.program()?;
    let Common { plugin_dir, hash, .. } = &args.common;
    let filled = Filled::<Embedded>::start(&program, data, plugin_dir, hash).await?;
    let mut exchanges = Vec::new();
    for (note, command) in commands {
        bar.set_message(command.clone());
        let answer = ask(&command, &program, &filled.cluster.address, data)?;
        exchanges.push(Exchange { note, command, answer });
        bar.inc(1);
    }
    let title = "Ringwright in a terminal".to_owned();
    let said = json!(exchanges.iter().map(|e| [&e.command, &e.answer]).collect::<Vec<_>>());
    let picture = args.picture.display();
    std::fs::write(&args.picture, Terminal { title, exchanges }.svg())
        .with_context(|| format!("cannot write {picture}"))?;
    Ok((picture.to_string(), said))
}

/// The commands with the remarks above them.
fn commands(text: &str) -> Vec<(String, String)> {
    let mut commands = Vec::new();
    let mut note = String::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match line.strip_prefix('#') {
            Some(remark) => note = remark.trim().to_owned(),
            None => commands.push((std::mem::take(&mut note), line.to_owned())),
        }
    }
    commands
}

/// What a command prints, `ringwright` being the program, and its balancer the one at `address`,
/// which has its data in that folder.
fn ask(command: &str, program: &Path, address: &str, data: &Path) -> Result<String> {
    let folder = program.parent().context("the program's folder")?.canonicalize()?;
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .args(["-c", command])
        .env("PATH", format!("{}:{path}", folder.display()))
        .env("RINGWRIGHT_URL", format!("http://{address}"))
        .env("RINGWRIGHT_DATA_DIR", data)
        .output()
        .with_context(|| command.to_owned())?;
    let answer = [output.stdout, output.stderr].concat();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    ensure!(output.status.success(), "`{command}` failed: {answer}");
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_belongs_to_the_command_below_it() {
        let read = commands("# how it is\nstatus\n\nevents\n# gone\n#  last\nload x # y\n");
        let expected = [("how it is", "status"), ("", "events"), ("last", "load x # y")];
        assert_eq!(read, expected.map(|(note, command)| (note.to_owned(), command.to_owned())));
    }
}
