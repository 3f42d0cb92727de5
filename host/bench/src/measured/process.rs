//! A process that is measured.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::PATIENCE;

/// A process that ends with this.
pub struct Process(Child);

impl Process {
    /// Starts the program on a folder, with its log in there.
    pub fn start(program: &Path, args: &[&str], data: &Path) -> Result<Self> {
        std::fs::create_dir_all(data)?;
        let log = std::fs::File::create(data.join("log"))?;
        let child = Command::new(program)
            .args(args)
            .arg("--data-dir")
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        Ok(Process(child))
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Politely, so that a balancer takes its servers along.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// Waits for a line of a file.
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
