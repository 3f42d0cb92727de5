//! `ringwright shard-server`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use ringwright_shard_server as shard_server;

use crate::postgres::Flags;
use crate::{files, secret, traces};

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// Its name, as /home tells it.
    #[arg(long, env = "RINGWRIGHT_NAME", default_value = "Server")]
    pub name: String,
    /// The folder it owns.
    #[arg(long, env = "RINGWRIGHT_DATA_DIR", default_value = "data")]
    data_dir: PathBuf,
    /// Address to listen on.
    #[arg(long, env = "RINGWRIGHT_HOST", default_value = "127.0.0.1")]
    host: String,
    /// Port to listen on; 0 takes any that is free.
    #[arg(long, env = "RINGWRIGHT_PORT", default_value_t = 5000)]
    port: u16,
    /// Where the rows are kept.
    #[arg(long, env = "RINGWRIGHT_ENGINE", value_enum, default_value_t = Engine::Sqlite)]
    engine: Engine,
    /// A Postgres database, for --engine postgres; without one it runs a Postgres of its own.
    // A settings file's value becomes the default, which --help would show.
    #[arg(
        long,
        env = "RINGWRIGHT_DATABASE_URL",
        hide_env_values = true,
        hide_default_value = true,
        value_name = "URL"
    )]
    database_url: Option<String>,
    /// Stop when nobody has asked anything for so long (30s, 5m).
    #[arg(long, env = "RINGWRIGHT_IDLE_EXIT", value_parser = humantime::parse_duration)]
    idle_exit: Option<Duration>,
    /// A file that holds the secret of its balancer; without one the server answers anybody.
    #[arg(long, env = "RINGWRIGHT_SECRET_FILE", value_name = "FILE")]
    secret_file: Option<PathBuf>,
    #[command(flatten)]
    pub traces: traces::Args,
    #[command(flatten)]
    postgres: Flags,
}

/// What a shard server keeps its rows in.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Engine {
    /// A file in its folder.
    Sqlite,
    /// A Postgres server.
    Postgres,
}

impl Engine {
    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgres",
        }
    }
}

/// Runs until it is told to stop.
pub async fn run(args: Args) -> Result<ExitCode> {
    files::raise_limit();
    // An empty one is as none, so that a command line can overrule the environment.
    let url = args.database_url.filter(|url| !url.is_empty());
    let engine = match (args.engine, url) {
        (Engine::Sqlite, _) => shard_server::Engine::Sqlite,
        (Engine::Postgres, Some(url)) => shard_server::Engine::PostgresAt(url),
        (Engine::Postgres, None) => {
            let own = shard_server::Engine::own_postgres(&args.data_dir);
            shard_server::Engine::Postgres(Box::new(args.postgres.apply(own)))
        }
    };
    shard_server::run(shard_server::Settings {
        name: args.name,
        data_dir: args.data_dir,
        host: args.host,
        port: args.port,
        engine,
        idle_exit: args.idle_exit,
        secret: args
            .secret_file
            .as_deref()
            .map(secret::read)
            .transpose()
            .context("--secret-file")?,
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}
