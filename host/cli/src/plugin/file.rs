//! A plugin's file on this machine, and what may be granted to it here.

use std::path::PathBuf;

use anyhow::{Context, Result};
use ringwright_plugin_runtime::{Runtime, Settings};

use crate::memory;

/// Which file, and what its plugin may use.
#[derive(clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// The component.
    file: PathBuf,
    /// Memory the plugin may grow to; 16MiB where nothing is said. One that brings a language's
    /// runtime along, such as Python's, needs some 64MiB.
    #[arg(long, alias = "plugin-memory", value_name = "SIZE", value_parser = memory::size)]
    memory: Option<usize>,
}

impl Args {
    /// What is in the file.
    pub(super) fn read(&self) -> Result<Vec<u8>> {
        super::read(&self.file)
    }

    /// Its name, without its extension.
    pub(super) fn name(&self) -> String {
        super::stem(&self.file)
    }

    /// What runs it: with the limits that a balancer has, but for the memory.
    pub(super) fn runtime(&self) -> Result<Runtime> {
        let mut settings = Settings::default();
        settings.memory_bytes = self.memory.unwrap_or(settings.memory_bytes);
        Runtime::new(settings).context("plugins cannot be run here")
    }
}
