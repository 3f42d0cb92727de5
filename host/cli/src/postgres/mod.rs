//! `ringwright postgres`: a Postgres for the metadata of a deployment.

mod flags;

pub use flags::Flags;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use ringwright_postgres::{Password, Postgres, Settings, Tcp};

use crate::stop::Stop;

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// The folder it owns; Postgres is in the folder postgres in it.
    #[arg(long, env = "RINGWRIGHT_DATA_DIR", default_value = "data")]
    data_dir: PathBuf,
    /// Address to listen on; 0.0.0.0 for every network.
    #[arg(long, env = "RINGWRIGHT_HOST", default_value = "127.0.0.1")]
    host: String,
    /// Port to listen on.
    #[arg(long, env = "RINGWRIGHT_PORT", default_value_t = 5432)]
    port: u16,
    /// File with the password of the role ringwright, which owns the database ringwright. A new
    /// password holds from the next start on.
    #[arg(long, env = "RINGWRIGHT_PASSWORD_FILE", value_name = "FILE")]
    password_file: Option<PathBuf>,
    #[command(flatten)]
    postgres: Flags,
}

/// Runs until it is told to stop.
pub async fn run(args: Args) -> Result<ExitCode> {
    let file = args.password_file.context(
        "--password-file or RINGWRIGHT_PASSWORD_FILE must name a file with the password",
    )?;
    let tcp = Tcp { host: args.host, port: args.port, password: Password::read(&file)? };
    let address = format!("{}:{}", tcp.host, tcp.port);
    let settings = Settings::new(args.data_dir.join("postgres"));
    let settings = args.postgres.apply(Settings { tcp: Some(tcp), ..settings });
    let mut stop = Stop::listen()?;
    let postgres = tokio::select! {
        started = Postgres::start(settings) => started?,
        reason = stop.wait() => {
            tracing::info!(reason, "stopping");
            return Ok(ExitCode::SUCCESS);
        }
    };
    tracing::info!(address, data = %args.data_dir.display(), "serving");
    let reason = tokio::select! {
        status = postgres.exited() => bail!("Postgres ended ({status})"),
        reason = stop.wait() => reason,
    };
    tracing::info!(reason, "stopping");
    postgres.stop().await?;
    Ok(ExitCode::SUCCESS)
}
