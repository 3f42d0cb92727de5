//! `ringwright serve`: the balancer, with its shard servers as child processes or containers.

mod access;
mod args;
mod control;
mod data_folder;
mod demo;
mod metadata;
mod port;
mod setup;

pub use args::Args;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ringwright_balancer::brain::Brain;
use ringwright_balancer::fleet::Fleet;
use ringwright_balancer::routing::Router;
use ringwright_balancer::supervisor::Supervisor;
use ringwright_balancer::{Balancer, Settings, api};
use ringwright_control::Control;
use ringwright_metadata::{MetadataStore, SqlStore};
use ringwright_plugin_runtime::{Catalogue, Runtime};
use ringwright_replication::{Charge, Clock, Cluster, SystemClock};
use ringwright_wire::Secret;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;

use crate::client::Client;
use crate::stop::Stop;
use crate::{files, secret};
use data_folder::DataFolder;
use port::Port;

/// How long requests under way may still take once the balancer is to stop.
const GRACE: Duration = Duration::from_secs(10);

/// How long the last events may take to be written.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What a shell answers for a program that Ctrl-C ended.
const EXIT_AT_ONCE: i32 = 130;

/// Runs until it is told to stop, or another balancer takes charge.
pub async fn run(args: Args) -> Result<ExitCode> {
    let files = files::raise_limit();
    args.check(files)?;
    let token = args.access.token()?;
    let first = args.first_cluster().map(setup::payload).transpose()?;
    let mut stop = Stop::listen()?;
    let data = DataFolder::open(&args.data_dir)?;
    let port = Port::take(&args.host, args.port).await?;
    let address = port.address;
    args.access.check(address, token.as_ref())?;
    let settings = args.balancer(&data, token, files);
    let begun = tokio::select! {
        begun = begin(&args, &data, settings) => begun?,
        reason = stop.wait() => {
            tracing::info!(reason, "stopping");
            // Plugins may still be tried on a thread, which the end of `main` would wait for.
            std::process::exit(0);
        }
    };
    let Begun { store, control, balancer } = begun;

    // Upkeep before all else: what follows may take longer than the charge lasts.
    let mut end = pin!(end(stop, balancer.clone()));
    let supervisor = Supervisor::new(balancer.clone());
    let early = tokio::select! {
        end = &mut end => Some(end),
        () = supervisor.take_over() => None,
    };
    let supervision = tokio::spawn(supervisor.run());
    tokio::spawn(balancer.clone().mind_the_brains());
    let end = match early {
        Some(end) => end,
        None => {
            let (stopping, mut stopped) = watch::channel(false);
            let serving = tokio::spawn(api::serve(port.listen()?, balancer.clone(), async move {
                // An error means that nobody can say stop any more.
                let _ = stopped.wait_for(|stop| *stop).await;
            }));
            tracing::info!(%address, data = %data.path().display(), "serving");
            let setup = set_up(&args, address, &data, balancer.settings.token.clone(), first);
            let end = end.await;
            setup.abort();
            stopping.send_replace(true);
            if timeout(GRACE, serving).await.is_err() {
                tracing::warn!("requests under way were given up after {GRACE:?}");
            }
            end
        }
    };
    balancer.cluster.events().settle(LAST_WORDS).await;
    // The servers serve whoever takes charge.
    match end {
        End::Told => {}
        End::Lost => bail!("another balancer has taken charge of {}", data.path().display()),
        End::Broken => bail!("the charge could not be kept: its upkeep failed, as the log tells"),
    }
    balancer.cluster.charge().release().await;
    balancer.fleet.close().await;
    if timeout(GRACE, supervision).await.is_err() {
        tracing::warn!("the watch over the servers did not end");
    }
    control::leave(&args, &*control).await;
    store.close().await;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// What a balancer is made of.
struct Begun {
    store: SqlStore,
    control: Arc<dyn Control>,
    balancer: Arc<Balancer>,
}

/// Waits for what the balancer needs, its charge above all. Given up half-way, it leaves nothing
/// but perhaps a charge, which lapses.
async fn begin(args: &Args, data: &DataFolder, settings: Settings) -> Result<Begun> {
    let secret = secret::read_or_draw(&data.secret()).context("the servers' secret")?;
    let store = args.metadata.open(data).await?;
    let control = control::start(args, data).await?;
    let fleet = Fleet::new(control.clone(), args.server_timeout()).with_secret(Some(secret));
    let balancer = assemble(args, data, Arc::new(store.clone()), fleet, settings).await?;
    Ok(Begun { store, control, balancer })
}

/// Sets the first cluster up beside the requests, where that is wished.
fn set_up(
    args: &Args,
    address: SocketAddr,
    data: &DataFolder,
    token: Option<Secret>,
    first: Option<Value>,
) -> JoinHandle<()> {
    let path = data.path().to_owned();
    let demo = args.demo;
    tokio::spawn(async move {
        match first {
            Some(payload) => setup::run(Client::at(url(address), token), payload).await,
            None if demo => demo::run(address, path, token).await,
            None => {}
        }
    })
}

/// Why the balancer is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Somebody said so.
    Told,
    /// Another balancer has taken charge.
    Lost,
    /// A fault of ours ended the upkeep of the charge.
    Broken,
}

impl End {
    /// What it means that the upkeep has ended.
    fn of_upkeep(ended: Result<(), JoinError>) -> Self {
        match ended {
            Ok(()) => End::Lost,
            Err(error) => {
                tracing::error!(%error, "the upkeep of the charge failed");
                End::Broken
            }
        }
    }
}

/// Keeps the charge until the balancer is to end. Whoever says so twice does not want to wait.
async fn end(mut stop: Stop, balancer: Arc<Balancer>) -> End {
    let upkeep = tokio::spawn(balancer.cluster.clone().upkeep());
    tokio::select! {
        reason = stop.wait() => tracing::info!(reason, "stopping"),
        ended = upkeep => return End::of_upkeep(ended),
    }
    tokio::spawn(async move {
        let reason = stop.wait().await;
        tracing::warn!(
            reason,
            "ending at once; what still runs is taken over by the next balancer, or ends by itself"
        );
        std::process::exit(EXIT_AT_ONCE);
    });
    End::Told
}

/// Takes charge, and puts the balancer together. The plugins are loaded and tried before: that
/// takes longer than a charge lasts.
async fn assemble(
    args: &Args,
    data: &DataFolder,
    store: Arc<dyn MetadataStore>,
    fleet: Fleet,
    settings: Settings,
) -> Result<Arc<Balancer>> {
    let brain = Arc::new(brain(args, data, &*store).await?);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let holder = format!("process {} of {} at port {}", std::process::id(), machine(), args.port);
    // The lock on the data folder says that no other balancer lives that has the metadata there.
    let exclusive = args.metadata.is_in_the_data_folder();
    let charge = Charge::take(store.clone(), clock.clone(), &holder, args.charge_term, exclusive)
        .await
        .context("cannot take charge of the cluster")?;
    let router = Arc::new(Router::new(brain.clone(), args.routing()).context("the router")?);
    let cluster = Cluster::open(store, clock, charge, router.clone(), args.replication())
        .await
        .context("cannot read the metadata")?;
    Ok(Balancer::new(settings, cluster, fleet, brain, router))
}

/// The name of this machine, for people: two balancers may be on two.
fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    name.map_or_else(|_| "an unknown machine".into(), |name| name.trim().to_owned())
}

/// The plugins, with those active that were chosen.
async fn brain(args: &Args, data: &DataFolder, store: &dyn MetadataStore) -> Result<Brain> {
    let chosen = store.load().await.context("cannot read the metadata")?;
    let (plugins, settings) = (args.plugins(data), args.brain());
    let folders = [&args.plugin_dir[..], &[data.uploads()]].concat();
    let load = move || {
        let runtime = Runtime::new(plugins).context("the plugin runtime")?;
        let catalogue = Catalogue::open(&runtime, &folders);
        Brain::new(catalogue, settings, chosen.hash_plugin, chosen.placement_plugin)
            .with_context(|| format!("plugins in {folders:?} (--plugin-dir)"))
    };
    // Compiling and trying them keeps a thread.
    tokio::task::spawn_blocking(load).await.context("the plugins could not be loaded")?
}

/// The URL people on this machine use for what listens there.
fn url(mut address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[tokio::test]
    async fn an_upkeep_that_fails_is_not_another_balancer() {
        #[allow(clippy::panic, reason = "it is the fault to be told")]
        let failed = tokio::spawn(async { panic!("on purpose") }).await;
        assert_eq!(End::of_upkeep(failed), End::Broken);
        assert_eq!(End::of_upkeep(tokio::spawn(async {}).await), End::Lost);
    }

    #[test]
    fn a_url_can_be_used_as_it_stands() {
        for (listens, told) in [
            ("127.0.0.1:5000", "http://127.0.0.1:5000"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::1]:5000", "http://[::1]:5000"),
            ("[::]:5000", "http://[::1]:5000"),
        ] {
            assert_eq!(url(listens.parse().unwrap()), told);
        }
    }
}
