//! The schedule, played on a cluster.

use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, ensure};
use ringwright_testbed::{Replicas, Setup, Signal, all_in_sync, schema, shards};
use serde_json::{Value, json};

use super::client::{Client, Played, shown};
use crate::Lab;
use crate::lab::{Bed, PAPERS};

/// The servers, in the order in which the paper's balancer asks them (its line 3).
const FIRST: &str = "Server1";
const SECOND: &str = "Server2";
const SHARD: &str = "sh1";

/// Most time until a step can be seen to be done.
const PATIENCE: Duration = Duration::from_secs(30);

/// Keys of the shard.
pub(super) const KEYS: u64 = 100;

/// The schedule, in words.
pub(super) const STEPS: [&str; 10] = [
    "A client writes row 1.",
    "Server2 is made to stand still (SIGSTOP); it misses a heartbeat.",
    "A client writes row 2. Server1 has it on disk, Server2 has not answered: nothing is \
     acknowledged yet. What Server1 holds of it:",
    "Another client reads row 2.",
    "What Server1 holds of row 2 now:",
    "Server2 goes on (SIGCONT). The write of row 2 is answered:",
    "Row 2 as committed, asked of Server1 alone, and of Server2 alone:",
    "Server2 stands still again, so that Server1 answers. A client reads row 2.",
    "Server2 is killed (SIGKILL). A client writes row 3.",
    "A client reads all rows.",
];

/// Plays the schedule.
pub(super) async fn play(lab: &Lab, protocol: &str) -> Result<Played> {
    let init = json!({"N": 2, "schema": schema(), "shards": shards(1, KEYS),
        "servers": {FIRST: [SHARD], SECOND: [SHARD]}});
    let setup = Setup::new(init, PAPERS)
        .with("RINGWRIGHT_PROTOCOL", protocol)
        .with("RINGWRIGHT_HEARTBEAT_INTERVAL", "200ms")
        // Who stands still is waited for.
        .with("RINGWRIGHT_FLATLINE_AFTER", "10000")
        .with("RINGWRIGHT_WRITE_TIMEOUT", "60s")
        .with("RINGWRIGHT_READ_TIMEOUT", "60s");
    let bed = lab.cluster(&setup).await?;
    all_in_sync(bed.address()).await?;
    let mut client = Client::new(bed.address());

    client.writes(1).await?;
    suspend(&bed).await?;
    client.says("one missed".into());
    let under_way = client.begins(2);
    let in_flight = Replicas::of(&bed).await?;
    until("row 2 is on Server1", async || Ok(holds(&in_flight, FIRST, 1).await?)).await?;
    client.says(shown(true));
    client.reads(2).await?;
    let still = holds(&in_flight, FIRST, 1).await?;
    client.says(shown(still));
    bed.signal(SECOND, Signal::Continue)?;
    client.ends(under_way).await?;
    let committed = Replicas::of(&bed).await?;
    let (first, second) = (holds(&committed, FIRST, 0).await?, holds(&committed, SECOND, 0).await?);
    client.says(format!("Server1: {}; Server2: {}", shown(first), shown(second)));
    suspend(&bed).await?;
    client.reads(2).await?;
    let before = SystemTime::now();
    bed.signal(SECOND, Signal::Kill)?;
    until("its end is seen", async || Ok(told(&bed, before, "HEARTBEAT lost")?)).await?;
    client.writes(3).await?;
    client.reads_all().await?;
    Ok(client.played)
}

/// Makes the second server stand still, and waits until the balancer asks it last.
async fn suspend(bed: &Bed) -> Result<()> {
    let before = SystemTime::now();
    bed.signal(SECOND, Signal::Stop)?;
    until("a heartbeat is missed", async || told(bed, before, "HEARTBEAT missed")).await
}

fn told(bed: &Bed, since: SystemTime, words: &str) -> Result<bool> {
    let is_it = |event: &Value| {
        let message = event["message"].as_str().unwrap_or_default();
        event["server"] == SECOND && message.starts_with(words)
    };
    Ok(bed.log_since(since)?.iter().any(is_it))
}

/// Whether a server has row 2, as committed or also as under way.
async fn holds(replicas: &Replicas<'_>, server: &str, beyond: u64) -> Result<bool> {
    Ok(replicas.keys(server, SHARD, (2, 2), beyond).await?.contains(&2))
}

async fn until(what: &str, mut look: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let began = Instant::now();
    while !look().await? {
        ensure!(began.elapsed() < PATIENCE, "still not so after {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}
