//! `ringwright serve`: the balancer, with its shard servers as child processes.

mod args;
mod data_folder;
mod demo;

pub use args::Args;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::future::join_all;
use ringwright_balancer::brain::Brain;
use ringwright_balancer::fleet::Fleet;
use ringwright_balancer::routing::Router;
use ringwright_balancer::supervisor::Supervisor;
use ringwright_balancer::{Balancer, api};
use ringwright_control::{Control, ProcessControl};
use ringwright_metadata::{MetadataStore, SqlStore};
use ringwright_plugin_runtime::{Catalogue, Runtime};
use ringwright_replication::{Charge, Clock, Cluster, SystemClock};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use data_folder::DataFolder;

/// How long requests under way may still take once the balancer is to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Runs until it is told to stop, or another balancer takes charge.
pub async fn run(args: Args) -> Result<ExitCode> {
    let mut stop = Stop::listen()?;
    let data = DataFolder::open(&args.data_dir)?;
    let listener = listen(&args.host, args.port).await?;
    let address = listener.local_addr().context("the port's address")?;
    let store = SqlStore::open_sqlite(data.metadata())
        .await
        .with_context(|| format!("cannot open the metadata in {}", data.metadata().display()))?;
    let control: Arc<dyn Control> = Arc::new(ProcessControl::new(args.process(&data)?));
    let balancer = assemble(&args, &data, Arc::new(store.clone()), control.clone()).await?;

    let charge = balancer.cluster.charge().clone();
    let supervisor = Supervisor::new(balancer.clone());
    supervisor.take_over().await;
    let upkeep = tokio::spawn(balancer.cluster.clone().upkeep());
    let supervision = tokio::spawn(supervisor.run());
    let (stopping, mut stopped) = watch::channel(false);
    let serving = tokio::spawn(api::serve(listener, balancer.clone(), async move {
        // An error means that nobody can say stop any more.
        let _ = stopped.wait_for(|stop| *stop).await;
    }));
    tracing::info!(%address, data = %data.path().display(), "serving");
    let demo = args.demo.then(|| tokio::spawn(demo::run(address, data.path().to_owned())));

    let lost = tokio::select! {
        reason = stop.wait() => {
            tracing::info!(reason, "stopping");
            false
        }
        _ = upkeep => true,
    };
    demo.inspect(tokio::task::JoinHandle::abort);
    stopping.send_replace(true);
    if tokio::time::timeout(GRACE, serving).await.is_err() {
        tracing::warn!("requests under way were given up after {GRACE:?}");
    }
    if lost {
        // The servers serve whoever took charge.
        bail!("another balancer has taken charge of {}", data.path().display());
    }
    charge.release().await;
    if tokio::time::timeout(GRACE, supervision).await.is_err() {
        tracing::warn!("the watch over the servers did not end");
    }
    stop_all(&*control).await;
    store.close().await;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Takes charge, and puts the balancer together.
async fn assemble(
    args: &Args,
    data: &DataFolder,
    store: Arc<dyn MetadataStore>,
    control: Arc<dyn Control>,
) -> Result<Arc<Balancer>> {
    let runtime = Runtime::new(data.plugins()).context("the plugin runtime")?;
    let catalogue = Catalogue::scan(&runtime, &args.plugin_dir);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let holder = format!("process {} at port {}", std::process::id(), args.port);
    // The lock on the data folder says that no other balancer lives.
    let charge = Charge::take(store.clone(), clock.clone(), &holder, args.charge_term, true)
        .await
        .context("cannot take charge of the cluster")?;
    let chosen = store.load().await.context("cannot read the metadata")?;
    let there = |kind: &str, name: &String| {
        let found =
            catalogue.entries().any(|e| e.kind() == kind && e.name() == name && e.is_loaded());
        if !found {
            tracing::error!(kind, plugin = name, "the chosen plugin is gone: using the default");
        }
        found
    };
    let hash = chosen.hash_plugin.filter(|name| there("hash", name));
    let placement = chosen.placement_plugin.filter(|name| there("placement", name));
    let brain = Brain::new(
        catalogue,
        hash.as_deref().unwrap_or(&args.hash),
        placement.as_deref().unwrap_or(&args.placement),
    )
    .with_context(|| format!("plugins in {:?} (--plugin-dir)", args.plugin_dir))?;
    let brain = Arc::new(brain);
    let router = Arc::new(Router::new(brain.clone(), args.slots, args.virtual_nodes));
    let cluster = Cluster::open(store, clock, charge, router.clone(), args.replication())
        .await
        .context("cannot read the metadata")?;
    let settings = args.balancer();
    let fleet = Fleet::new(control, settings.server_timeout);
    Ok(Balancer::new(settings, cluster, fleet, brain, router))
}

async fn listen(host: &str, port: u16) -> Result<TcpListener> {
    TcpListener::bind((host, port)).await.map_err(|error| {
        let taken = error.kind() == std::io::ErrorKind::AddrInUse;
        let why = if taken { "another program listens there".into() } else { error.to_string() };
        anyhow::anyhow!(
            "cannot listen on {host}:{port}: {why}; choose another with --port or RINGWRIGHT_PORT"
        )
    })
}

async fn stop_all(control: &dyn Control) {
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

/// What tells the balancer to stop.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn listen() -> Result<Self> {
        let on = |kind| signal(kind).context("cannot listen for signals");
        Ok(Stop {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
        })
    }

    async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

/// The URL people on this machine use for what listens there.
fn url(address: SocketAddr) -> String {
    let host =
        if address.ip().is_unspecified() { "127.0.0.1".into() } else { address.ip().to_string() };
    format!("http://{host}:{}", address.port())
}
