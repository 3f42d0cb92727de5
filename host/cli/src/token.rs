//! The token, as the balancer and the tools are given it.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use ringwright_wire::Secret;

use crate::secret;

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// The token that changes of the cluster want. The list of processes shows a flag to every
    /// user of this machine: the variable, or --token-file, keeps it off.
    #[arg(
        long,
        env = "RINGWRIGHT_TOKEN",
        hide_env_values = true,
        hide_default_value = true,
        help_heading = "Access"
    )]
    token: Option<String>,
    /// A file that holds the token.
    #[arg(long, env = "RINGWRIGHT_TOKEN_FILE", value_name = "FILE", help_heading = "Access")]
    token_file: Option<PathBuf>,
}

impl Args {
    /// The token, where one was given.
    ///
    /// # Errors
    /// Where two were, or what was given is none.
    pub fn read(&self) -> Result<Option<Secret>> {
        let (token, file) = (&self.token, &self.token_file);
        ensure!(
            token.is_none() || file.is_none(),
            "the token is given twice: leave out --token (RINGWRIGHT_TOKEN) or --token-file \
             (RINGWRIGHT_TOKEN_FILE)"
        );
        if let Some(file) = file {
            return secret::read(file).context("--token-file").map(Some);
        }
        let token = token.as_ref().map(|text| Secret::new(text));
        token.transpose().context("--token, or RINGWRIGHT_TOKEN, is no token")
    }
}
