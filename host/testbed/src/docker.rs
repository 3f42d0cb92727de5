//! The Docker engine, by its command.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Whether an engine answers.
pub fn engine_answers() -> bool {
    docker(&["version"]).is_ok()
}

/// `docker` with these arguments; what it printed.
///
/// # Errors
/// What it says, where it fails.
pub fn docker(args: &[&str]) -> Result<String> {
    run(Command::new("docker").args(args))
}

/// Runs a command that must work; what it printed.
///
/// # Errors
/// What it says, where it fails.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    let (out, said) = (text(&output.stdout), text(&output.stderr));
    ensure!(output.status.success(), "{command:?}: {said}{out}");
    Ok(out.trim().to_owned())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The process of a container that its others descend from.
///
/// # Errors
/// Where there is no such container.
pub fn pid(container: &str) -> Result<u32> {
    Ok(docker(&["inspect", "--format", "{{.State.Pid}}", container])?.parse()?)
}

/// A container's address in a network.
pub(crate) fn address(container: &str, network: &str) -> Result<String> {
    let format = format!("{{{{(index .NetworkSettings.Networks \"{network}\").IPAddress}}}}");
    docker(&["inspect", "--format", &format, container])
}
