//! The balancer's settings on the command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::builder::{BoolishValueParser, RangedU64ValueParser};
use clap::value_parser;
use humantime::{format_duration, parse_duration};
use ringwright_balancer::brain::{self, FaultLimit};
use ringwright_balancer::routing;
use ringwright_control::ProcessSettings;
use ringwright_wire::Secret;

use super::access;
use super::control::DockerArgs;
use super::data_folder::DataFolder;
use super::metadata::Metadata;
use crate::memory::{self, PluginMemory};
use crate::postgres::Flags;
use crate::shard_server::Engine;
use crate::traces;

/// How long a shard server may take to end; it gives its requests 7 s, and its Postgres 3 s.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(12);

/// Durations are written as 500ms, 5s, 2m, 1h.
#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// Address to listen on; 0.0.0.0 for every network.
    #[arg(long, env = "RINGWRIGHT_HOST", default_value = "127.0.0.1")]
    pub host: String,
    /// Port to listen on.
    #[arg(long, env = "RINGWRIGHT_PORT", default_value_t = 5000)]
    pub port: u16,
    #[command(flatten)]
    pub access: access::Args,
    /// Folder for all data: the metadata, unless it is elsewhere, and one folder a shard server.
    #[arg(long, env = "RINGWRIGHT_DATA_DIR", default_value = "data")]
    pub data_dir: PathBuf,
    /// What the shard servers keep their rows in, as processes; for postgres each runs one of its
    /// own. For containers their image says it.
    #[arg(long, env = "RINGWRIGHT_ENGINE", value_enum, default_value_t = Engine::Sqlite)]
    engine: Engine,
    /// Folder of plugins; can be given more than once.
    #[arg(
        long,
        env = "RINGWRIGHT_PLUGIN_DIR",
        default_value = "plugins/dist",
        value_delimiter = ':'
    )]
    pub plugin_dir: Vec<PathBuf>,
    /// On an empty data folder set up three servers, three shards and a sample of 10,000
    /// students; print what to try.
    #[arg(long, env = "RINGWRIGHT_DEMO", value_parser = BoolishValueParser::new())]
    pub demo: bool,
    /// A payload of /init to set the first cluster up with, where there is none.
    #[arg(long, env = "RINGWRIGHT_INIT", value_name = "FILE", conflicts_with = "demo")]
    init: Option<PathBuf>,

    /// Where the metadata is.
    #[command(flatten)]
    pub metadata: Metadata,

    /// The hash function where none was chosen by PUT /plugins/active.
    #[arg(
        long,
        env = "RINGWRIGHT_HASH",
        default_value = "virtual-node",
        help_heading = "The ring"
    )]
    hash: String,
    /// The placement policy where none was chosen by PUT /plugins/active.
    #[arg(long, env = "RINGWRIGHT_PLACEMENT", default_value = "spread", help_heading = "The ring")]
    placement: String,
    /// Slots of the ring.
    #[arg(long, env = "RINGWRIGHT_SLOTS", default_value_t = 512, help_heading = "The ring",
        value_parser = value_parser!(u32).range(1..=1 << 20))]
    slots: u32,
    /// Virtual nodes of a server.
    #[arg(long, env = "RINGWRIGHT_VIRTUAL_NODES", default_value_t = 9, help_heading = "The ring",
        value_parser = value_parser!(u32).range(1..=4096))]
    virtual_nodes: u32,
    /// ε: a server that has more than 1 + ε times its part of the requests under way is passed
    /// over; without it a server gets whatever the ring gives it.
    #[arg(long, env = "RINGWRIGHT_BOUNDED_LOAD", value_name = "EPSILON", help_heading = "The ring",
        value_parser = epsilon)]
    bounded_load: Option<f64>,
    /// Copies of a shard where /init leaves the placement open.
    #[arg(long, env = "RINGWRIGHT_REPLICAS", default_value_t = 3, help_heading = "The ring",
        value_parser = value_parser!(u32).range(1..))]
    replicas: u32,

    /// Faults that take a plugin out of service; the last one that behaved takes its place.
    #[arg(long, env = "RINGWRIGHT_PLUGIN_FAULTS", default_value_t = 10, value_name = "FAULTS",
        value_parser = value_parser!(u32).range(1..=100_000), help_heading = "Plugins")]
    plugin_faults: u32,
    /// Faults count when they come within this time.
    #[arg(long, env = "RINGWRIGHT_PLUGIN_FAULTS_WITHIN", default_value = "30s",
        value_parser = interval, value_name = "TIME", help_heading = "Plugins")]
    plugin_faults_within: Duration,
    /// Memory an instance of a plugin may grow to; NAME=SIZE for the plugin in NAME.wasm alone.
    /// One that brings a language's runtime along, such as Python's, needs some 64MiB.
    #[arg(
        long,
        env = "RINGWRIGHT_PLUGIN_MEMORY",
        default_value = "16MiB",
        value_delimiter = ',',
        value_name = "[NAME=]SIZE",
        help_heading = "Plugins"
    )]
    plugin_memory: Vec<PluginMemory>,

    /// How often each server is asked for a sign of life (the paper's t).
    #[arg(long, env = "RINGWRIGHT_HEARTBEAT_INTERVAL", default_value = "500ms",
        value_parser = interval, value_name = "TIME", help_heading = "Failure")]
    heartbeat_interval: Duration,
    /// Misses in a row after which a server is given up (the paper's N).
    #[arg(long, env = "RINGWRIGHT_FLATLINE_AFTER", default_value_t = 5, value_name = "MISSES",
        value_parser = value_parser!(u32).range(1..), help_heading = "Failure")]
    flatline_after: u32,
    /// Failed replacements after which a server's copies go to others.
    #[arg(long, env = "RINGWRIGHT_RESPAWN_ATTEMPTS", default_value_t = 3,
        value_parser = value_parser!(u32).range(1..), help_heading = "Failure")]
    respawn_attempts: u32,
    /// A shard server ends by itself when no balancer has asked it anything for so long.
    #[arg(long, env = "RINGWRIGHT_IDLE_EXIT", default_value = "60s", value_parser = interval,
        value_name = "TIME", help_heading = "Failure")]
    idle_exit: Duration,
    /// How long the right to serve lasts unless it is renewed.
    #[arg(long, env = "RINGWRIGHT_CHARGE_TERM", default_value = "4s", value_parser = interval,
        value_name = "TIME", help_heading = "Failure")]
    pub charge_term: Duration,

    /// Whose algorithm decides: ours, or the paper's as printed, which LOSES WRITES.
    #[arg(long, env = "RINGWRIGHT_PROTOCOL", value_enum, default_value_t = Protocol::Safe,
        help_heading = "The protocol")]
    protocol: Protocol,
    /// Replicas that must hold a write before it is acknowledged.
    #[arg(long, env = "RINGWRIGHT_MIN_IN_SYNC", default_value_t = 1, value_name = "REPLICAS",
        value_parser = RangedU64ValueParser::<usize>::new().range(1..), help_heading = "The protocol")]
    min_in_sync: usize,
    /// How long a replica may take over a write before it falls out of sync.
    #[arg(long, env = "RINGWRIGHT_WRITE_TIMEOUT", default_value = "5s", value_parser = interval,
        value_name = "TIME", help_heading = "The protocol")]
    write_timeout: Duration,
    /// How long a replica may take over a read before the next one is asked.
    #[arg(long, env = "RINGWRIGHT_READ_TIMEOUT", default_value = "2s", value_parser = interval,
        value_name = "TIME", help_heading = "The protocol")]
    read_timeout: Duration,
    /// How long a read waits for a replica in sync, or for the metadata store, before it is
    /// refused.
    #[arg(long, env = "RINGWRIGHT_PATIENCE", default_value = "2s", value_parser = parse_duration,
        value_name = "TIME", help_heading = "The protocol")]
    patience: Duration,
    /// How far back a replica that was away finds what it missed.
    #[arg(long, env = "RINGWRIGHT_HISTORY", default_value = "1m", value_parser = parse_duration,
        value_name = "TIME", help_heading = "The protocol")]
    history: Duration,
    /// How long the answer to an Idempotency-Key is kept.
    #[arg(long, env = "RINGWRIGHT_REMEMBER", default_value = "24h", value_parser = interval,
        value_name = "TIME", help_heading = "The protocol")]
    remember: Duration,

    /// How long a shard server may take to start; one that ended is not waited for.
    #[arg(long, env = "RINGWRIGHT_START_TIMEOUT", default_value = "5m", value_parser = interval,
        value_name = "TIME", help_heading = "Limits")]
    pub start_timeout: Duration,
    /// How long a new server may take to copy its shards before /add is refused.
    #[arg(long, env = "RINGWRIGHT_COPY_TIMEOUT", default_value = "10m", value_parser = interval,
        value_name = "TIME", help_heading = "Limits")]
    copy_timeout: Duration,
    /// Largest request body, in bytes.
    #[arg(long, env = "RINGWRIGHT_BODY_LIMIT", default_value_t = 16 << 20, value_name = "BYTES",
        value_parser = RangedU64ValueParser::<usize>::new().range(1024..), help_heading = "Limits")]
    body_limit: usize,
    /// Most connections at once; beyond them clients wait. Without it 8192, or half of the files
    /// that the process may have open where these are fewer.
    #[arg(long, env = "RINGWRIGHT_MAX_CONNECTIONS", value_name = "CONNECTIONS",
        value_parser = RangedU64ValueParser::<usize>::new().range(1..), help_heading = "Limits")]
    max_connections: Option<usize>,
    /// Most requests under way at once; beyond them a request is refused at once (503).
    #[arg(long, env = "RINGWRIGHT_MAX_REQUESTS", default_value_t = 4096, value_name = "REQUESTS",
        value_parser = RangedU64ValueParser::<usize>::new().range(1..), help_heading = "Limits")]
    max_requests: usize,
    /// Most requests a second from one address (429); 0 for any number.
    #[arg(
        long,
        env = "RINGWRIGHT_RATE_LIMIT",
        default_value_t = 0,
        value_name = "REQUESTS",
        help_heading = "Limits"
    )]
    rate_limit: u32,

    #[command(flatten)]
    pub traces: traces::Args,
    #[command(flatten)]
    pub docker: DockerArgs,
    #[command(flatten)]
    postgres: Flags,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Protocol {
    Safe,
    Paper,
}

/// As many connections as leave files for what the balancer itself opens: one to a server for each.
fn most_connections(files: u64) -> usize {
    usize::try_from(files / 2).unwrap_or(usize::MAX)
}

fn epsilon(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(epsilon) if (0.0..=1000.0).contains(&epsilon) => Ok(epsilon),
        _ => Err("must be a number from 0 to 1000, such as 0.25".into()),
    }
}

/// A duration that something can be done every.
fn interval(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(time) if time < Duration::from_millis(10) => Err("must be at least 10ms".into()),
        Ok(time) => Ok(time),
        Err(error) => Err(error.to_string()),
    }
}

impl Args {
    /// Checks what the settings mean to each other.
    ///
    /// # Errors
    /// Names those that do not go together, or with what this process may have open.
    pub fn check(&self, files: u64) -> Result<()> {
        let most = most_connections(files);
        ensure!(
            self.max_connections.is_none_or(|wanted| wanted <= most),
            "--max-connections may be at most {most}, half of the files that this process may have \
             open: allow it more (ulimit -n)"
        );
        let (interval, idle) = (self.heartbeat_interval, self.idle_exit);
        ensure!(
            interval < idle,
            "--heartbeat-interval ({}) must be shorter than --idle-exit ({}): the shard servers \
             would end between two heartbeats",
            format_duration(interval),
            format_duration(idle)
        );
        self.metadata.check()
    }

    /// The brains' part.
    pub fn brain(&self) -> brain::Settings {
        brain::Settings {
            hash: self.hash.clone(),
            placement: self.placement.clone(),
            faults: FaultLimit { faults: self.plugin_faults, within: self.plugin_faults_within },
        }
    }

    /// The router's part.
    pub fn routing(&self) -> routing::Settings {
        let Args { slots, virtual_nodes, bounded_load, .. } = *self;
        routing::Settings { slots, virtual_nodes, bounded_load }
    }

    /// The balancer's part.
    pub fn balancer(
        &self,
        data: &DataFolder,
        token: Option<Secret>,
        files: u64,
    ) -> ringwright_balancer::Settings {
        let default = ringwright_balancer::Settings::default();
        let fit = most_connections(files).min(default.max_connections);
        ringwright_balancer::Settings {
            replicas: self.replicas,
            heartbeat_interval: self.heartbeat_interval,
            flatline_after: self.flatline_after,
            respawn_attempts: self.respawn_attempts,
            server_timeout: self.server_timeout(),
            copy_timeout: self.copy_timeout,
            body_limit: self.body_limit,
            max_connections: self.max_connections.unwrap_or(fit),
            max_requests: self.max_requests,
            rate_limit: self.rate_limit,
            token,
            upload_dir: data.uploads(),
            expects_cluster: self.first_cluster().is_some(),
            demo: self.demo,
            ..default
        }
    }

    /// What every shard server in a container is told beside what its image says.
    pub fn server_environment(&self) -> Vec<(String, String)> {
        let ours = ["RINGWRIGHT_LOG", "RINGWRIGHT_LOG_FORMAT"];
        let logged =
            ours.iter().filter_map(|name| Some(((*name).into(), std::env::var(name).ok()?)));
        let traced = self.traces.endpoint();
        let traced = traced.map(|url| ("RINGWRIGHT_OTLP_ENDPOINT".into(), url.into()));
        logged.chain(traced).chain([self.postgres.cache_variable()]).collect()
    }

    /// How long a server may take over any one request.
    pub fn server_timeout(&self) -> Duration {
        self.write_timeout.max(self.read_timeout)
    }

    /// The file of the first cluster; a variable that is there and says nothing names none.
    pub fn first_cluster(&self) -> Option<&Path> {
        self.init.as_deref().filter(|file| !file.as_os_str().is_empty())
    }

    /// The protocol's part.
    pub fn replication(&self) -> ringwright_replication::Settings {
        ringwright_replication::Settings {
            min_in_sync: self.min_in_sync,
            write_timeout: self.write_timeout,
            read_timeout: self.read_timeout,
            patience: self.patience,
            history: self.history,
            remember: self.remember,
            protocol: match self.protocol {
                Protocol::Safe => ringwright_replication::Protocol::Safe,
                Protocol::Paper => ringwright_replication::Protocol::Paper,
            },
        }
    }

    /// The plugin runtime's part.
    pub fn plugins(&self, data: &DataFolder) -> ringwright_plugin_runtime::Settings {
        let cache_dir = Some(data.compiled_plugins());
        memory::grant(
            &self.plugin_memory,
            ringwright_plugin_runtime::Settings { cache_dir, ..Default::default() },
        )
    }

    /// The shard servers' part.
    pub fn process(&self, data: &DataFolder) -> Result<ProcessSettings> {
        Ok(ProcessSettings {
            exe: std::env::current_exe().context("cannot tell where this program is")?,
            servers_dir: data.servers(),
            idle_exit: self.idle_exit,
            start_timeout: self.start_timeout,
            stop_timeout: STOP_TIMEOUT,
            extra_args: self.shard_server(data),
        })
    }

    /// What every shard server is told. All is said, so that what the environment says of ours is
    /// not taken for theirs.
    fn shard_server(&self, data: &DataFolder) -> Vec<OsString> {
        let ours = ["--host", "127.0.0.1", "--engine", self.engine.name(), "--database-url="];
        let secret = ["--secret-file".into(), data.secret().into()];
        let traces = format!("--otlp-endpoint={}", self.traces.endpoint().unwrap_or_default());
        let ours = ours.map(Into::into).to_vec();
        [ours, secret.to_vec(), vec![traces.into()], self.postgres.words()].concat()
    }
}
