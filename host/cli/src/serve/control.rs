//! What the shard servers run as: processes of this machine, or containers of a Docker engine.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytesize::ByteSize;
use futures::future::join_all;
use ringwright_control::{Control, DockerControl, DockerSettings, ProcessControl};

use super::Args;
use super::data_folder::DataFolder;

/// Settings of Docker control.
#[derive(clap::Args)]
#[group(skip)]
pub struct DockerArgs {
    /// What the shard servers run as.
    #[arg(long, env = "RINGWRIGHT_CONTROL", value_enum, default_value_t = Kind::Process,
        help_heading = "Containers")]
    pub control: Kind,
    /// Names the containers, and tells this deployment's from others' on the same engine.
    #[arg(
        long,
        env = "RINGWRIGHT_DEPLOYMENT",
        default_value = "ringwright",
        value_name = "NAME",
        help_heading = "Containers"
    )]
    deployment: String,
    /// Where the Docker engine listens.
    #[arg(
        long,
        env = "DOCKER_HOST",
        default_value = "unix:///var/run/docker.sock",
        value_name = "URL",
        help_heading = "Containers"
    )]
    docker_host: String,
    /// Network the containers listen on; the balancer must reach it.
    #[arg(
        long,
        env = "RINGWRIGHT_DOCKER_NETWORK",
        default_value = "ringwright-servers",
        value_name = "NAME",
        help_heading = "Containers"
    )]
    docker_network: String,
    /// Image of the containers.
    #[arg(
        long,
        env = "RINGWRIGHT_SERVER_IMAGE",
        default_value = "ringwright/server:latest",
        value_name = "IMAGE",
        help_heading = "Containers"
    )]
    server_image: String,
    /// Most memory of a container, such as 2GiB; without it there is no limit.
    #[arg(long, env = "RINGWRIGHT_SERVER_MEMORY", value_parser = memory, value_name = "SIZE",
        help_heading = "Containers")]
    server_memory: Option<Limit<u64>>,
    /// Most processors' time of a container, such as 1.5; without it there is no limit.
    #[arg(long, env = "RINGWRIGHT_SERVER_CPUS", value_parser = cpus, value_name = "CPUS",
        help_heading = "Containers")]
    server_cpus: Option<Limit<f64>>,
}

/// What a shard server runs as.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// A child process.
    Process,
    /// A container.
    Docker,
}

/// A limit, or none where a variable is there and says nothing.
type Limit<T> = Option<T>;

fn memory(text: &str) -> Result<Limit<u64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<ByteSize>() {
        // Postgres and the program want that much to start.
        Ok(size) if size.as_u64() >= 128 << 20 => Ok(Some(size.as_u64())),
        _ => Err("must be a size from 128MiB, such as 2GiB".into()),
    }
}

fn cpus(text: &str) -> Result<Limit<f64>, String> {
    match text.parse() {
        _ if text.is_empty() => Ok(None),
        Ok(cpus) if (0.01..=1024.0).contains(&cpus) => Ok(Some(cpus)),
        _ => Err("must be a number of processors from 0.01, such as 1.5".into()),
    }
}

/// Container control as it was set.
pub async fn start(args: &Args, data: &DataFolder) -> Result<Arc<dyn Control>> {
    Ok(match args.docker.control {
        Kind::Process => Arc::new(ProcessControl::new(args.process(data)?)),
        Kind::Docker => {
            let settings =
                args.docker.settings(data, args.start_timeout, args.server_environment());
            let control = DockerControl::connect(settings).await;
            Arc::new(control.context("cannot run servers as containers (--control docker)")?)
        }
    })
}

/// Leaves the servers as they are to be without a balancer: processes are of one life with it,
/// containers serve the next one.
pub async fn leave(args: &Args, control: &dyn Control) {
    if args.docker.control == Kind::Docker {
        return;
    }
    let running = match control.list().await {
        Ok(running) => running,
        Err(error) => return tracing::warn!(%error, "the servers could not be listed"),
    };
    join_all(running.iter().map(|server| async {
        if let Err(error) = control.stop(&server.name).await {
            tracing::warn!(server = server.name, %error, "a server could not be stopped");
        }
    }))
    .await;
}

impl DockerArgs {
    fn settings(
        &self,
        data: &DataFolder,
        start_timeout: Duration,
        environment: Vec<(String, String)>,
    ) -> DockerSettings {
        DockerSettings {
            engine: self.docker_host.clone(),
            deployment: self.deployment.clone(),
            image: self.server_image.clone(),
            network: self.docker_network.clone(),
            memory: self.server_memory.flatten(),
            cpus: self.server_cpus.flatten(),
            environment,
            secret_file: Some(data.secret()),
            start_timeout,
            stop_timeout: super::args::STOP_TIMEOUT,
        }
    }
}
