//! How long a deployment takes to recover from the loss of a server, under a light load: until a
//! write is acknowledged again, and until every replica is in sync again.

mod load;
mod report;

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use ringwright_testbed::{Deployment, docker, pid, status, time_of};
use serde_json::Value;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::measured::{Filled, SHARDS};
use load::Load;
use report::{Recovery, Report};

/// Keys of a shard: room for a third of the rows.
const SHARD: u64 = 400_000;

/// The server that is lost, and the shards it has.
const SERVER: &str = "Server0";
const AFFECTED: [u64; 2] = [0, 1];

/// Most time a recovery may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// Kills a server of a deployment, and measures until all is well again. It wants a Docker engine
/// and the images: make images.
#[derive(clap::Args)]
pub struct Args {
    /// The hash function.
    #[arg(long, default_value = "virtual-node")]
    hash: String,
    /// Rows in the table.
    #[arg(long, value_delimiter = ',', default_value = "10000,1000000")]
    rows: Vec<u64>,
    /// 10,000 rows only.
    #[arg(long, conflicts_with = "rows")]
    quick: bool,
}

/// What becomes of the server's disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Volume {
    Kept,
    Lost,
}

/// Measures, and tells; the second is for machines.
pub async fn run(args: &Args, data: &Path, bar: &ProgressBar) -> Result<(String, Value)> {
    let rows = if args.quick { &[10_000][..] } else { &args.rows };
    ensure!(
        rows.iter().all(|rows| (1..=SHARDS * SHARD).contains(rows)),
        "--rows must be from 1 to {}",
        SHARDS * SHARD
    );
    bar.set_length(3 * rows.len() as u64);
    let mut recoveries = Vec::new();
    for &rows in rows {
        bar.set_message(format!("{rows} rows are loaded"));
        bar.tick();
        let began = Instant::now();
        let deployment = Filled::deploy(data, &args.hash, SHARD, rows).await?;
        let loaded = began.elapsed();
        bar.inc(1);
        for volume in [Volume::Kept, Volume::Lost] {
            bar.set_message(format!("{rows} rows, a server is lost"));
            let recovery = recover(&deployment, rows, volume).await?;
            recoveries.push(Recovery { loaded, ..recovery });
            bar.inc(1);
        }
    }
    let report = Report { recoveries };
    Ok((report.text(), report.json()))
}

/// Ends the server under load, and waits until all is well again.
async fn recover(deployment: &Filled<Deployment>, rows: u64, volume: Volume) -> Result<Recovery> {
    all_in_sync(deployment).await?;
    let before = deployment.cluster.log()?.len();
    let load = Load::start(&deployment.front);
    sleep(Duration::from_secs(2)).await;
    let (killed, at) = kill(&deployment.cluster, volume).await?;
    let began = Instant::now();
    let log = loop {
        let log = deployment.cluster.log()?.split_off(before);
        if in_sync(&log).count() == AFFECTED.len() {
            break log;
        }
        ensure!(began.elapsed() < PATIENCE, "not in sync after {PATIENCE:?}");
        sleep(Duration::from_millis(200)).await;
    };
    all_in_sync(deployment).await?;
    sleep(Duration::from_millis(500)).await;
    let asked = load.end().await?;

    let since = |event: &Value| Ok(time_of(event)?.duration_since(at).unwrap_or_default());
    let said = |words| {
        log.iter().find(|event| says(event, words)).with_context(|| format!("no line '{words}'"))
    };
    let up = since(said("RESPAWN: the replacement is up")?)?;
    let ends: Vec<Duration> = in_sync(&log).map(since).collect::<Result<_>>()?;
    let failed = asked.failed_reads(killed);
    Ok(Recovery {
        rows,
        volume_kept: volume == Volume::Kept,
        loaded: Duration::ZERO,
        first_write: asked.first_writes(killed, &AFFECTED)?,
        failed_reads: failed.len(),
        last_failed_read: failed.into_iter().max(),
        flatline: since(said("FLATLINE")?)?,
        up,
        in_sync: ends.into_iter().max().unwrap_or_default(),
        copied: in_sync(&log).filter_map(|event| event["versions"].as_u64()).sum(),
    })
}

/// Ends the server by force; when it was gone, by both clocks.
async fn kill(deployment: &Deployment, volume: Volume) -> Result<(Instant, SystemTime)> {
    let container = deployment.server(SERVER);
    let volumes = deployment.volumes(SERVER)?;
    let process = Path::new("/proc").join(pid(&container)?.to_string());
    let gone = spawn_blocking(move || {
        match volume {
            Volume::Kept => docker(&["kill", &container])?,
            Volume::Lost => docker(&["rm", "--force", &container])?,
        };
        if volume == Volume::Lost {
            for volume in &volumes {
                docker(&["volume", "rm", volume])?;
            }
        }
        anyhow::Ok(())
    });
    while process.exists() && !gone.is_finished() {
        sleep(Duration::from_millis(1)).await;
    }
    let now = (Instant::now(), SystemTime::now());
    gone.await??;
    Ok(now)
}

/// Waits until every server lives and every replica is in sync.
async fn all_in_sync(deployment: &Filled<Deployment>) -> Result<()> {
    let began = Instant::now();
    loop {
        let status = status(&deployment.front.address).await?;
        let live = status["server_states"]
            .as_object()
            .is_some_and(|all| all.len() == 3 && all.values().all(|state| state == "live"));
        let replicas = status["replicas"].as_array().map_or(&[][..], Vec::as_slice);
        if live && replicas.len() == 6 && replicas.iter().all(|r| r["state"] == "in_sync") {
            return Ok(());
        }
        ensure!(began.elapsed() < PATIENCE, "not in sync after {PATIENCE:?}: {status}");
        sleep(Duration::from_millis(50)).await;
    }
}

fn in_sync(log: &[Value]) -> impl Iterator<Item = &Value> {
    log.iter().filter(|event| says(event, "a replica is in sync"))
}

fn says(event: &Value, words: &str) -> bool {
    let message = event["message"].as_str().unwrap_or_default();
    event["server"] == SERVER && message.starts_with(words)
}
