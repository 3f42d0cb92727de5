//! A process that is measured.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use super::PATIENCE;

/// A process that ends with this.
pub struct Process(Child);

impl Process {
    /// Starts the program on a folder, with its log in there. Of our settings it knows only
    /// those that it is given: none of the environment, nor of a file where this runs.
    ///
    /// # Errors
    /// Where it cannot be run.
    pub fn start(
        program: &Path,
        args: &[&str],
        settings: &[(&'static str, String)],
        data: &Path,
    ) -> Result<Self> {
        std::fs::create_dir_all(data)?;
        let (program, data) = (program.canonicalize(), data.canonicalize()?);
        let program = program.context("the program to measure")?;
        let log = std::fs::File::create(data.join("log"))?;
        let mut command = Command::new(&program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("RINGWRIGHT_") {
                command.env_remove(name);
            }
        }
        let child = command
            .args(args)
            .arg("--data-dir")
            .arg(&data)
            .envs(settings.iter().cloned())
            .current_dir(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            // Ctrl-C reaches all of a terminal's group: told to stop twice, a balancer would end
            // without its servers.
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        Ok(Process(child))
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Politely, so that a balancer takes its servers along.
        let _ = signal(self.0.id(), "TERM");
        let _ = self.0.wait();
    }
}

/// Sends a signal, by its name, to a process.
pub(crate) fn signal(pid: u32, name: &str) -> Result<()> {
    let done = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status();
    ensure!(done.context("kill")?.success(), "process {pid} could not be sent {name}");
    Ok(())
}

/// Waits for a line of a file.
///
/// # Errors
/// What the file says, where it does not come.
pub async fn wait_for<T>(file: &Path, find: impl Fn(&str) -> Option<T>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if let Some(found) = text.lines().find_map(&find) {
            return Ok(found);
        }
        if Instant::now() > deadline {
            bail!("nothing listens after {PATIENCE:?}: {text}");
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
