//! Who may reach the balancer, and who may change its cluster.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use clap::builder::BoolishValueParser;
use ringwright_wire::Secret;

use crate::token;

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    token: token::Args,
    /// Listen beyond this machine without a token: whoever reaches the port may change the
    /// cluster.
    #[arg(long, env = "RINGWRIGHT_INSECURE", value_parser = BoolishValueParser::new(),
        help_heading = "Access")]
    insecure: bool,
}

impl Args {
    /// The token, where one was given. Its file may be one that can be read but once.
    ///
    /// # Errors
    /// As [`token::Args::read`].
    pub fn token(&self) -> Result<Option<Secret>> {
        self.token.read()
    }

    /// Checks that where the balancer listens goes with what it wants to be shown.
    ///
    /// # Errors
    /// Where anybody could change the cluster, and nobody has said that this is meant.
    pub fn check(&self, address: SocketAddr, token: Option<&Secret>) -> Result<()> {
        if token.is_some() || address.ip().to_canonical().is_loopback() {
            return Ok(());
        }
        ensure!(
            self.insecure,
            "at {address} others than this machine can change the cluster: set a token \
             (--token-file or RINGWRIGHT_TOKEN), or say --insecure where that is meant"
        );
        tracing::warn!(%address, "--insecure: whoever reaches this port may change the cluster");
        Ok(())
    }
}
