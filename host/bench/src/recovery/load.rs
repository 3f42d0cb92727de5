//! A light load: writers and readers of single rows, that note when they were answered how.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ringwright_testbed::{Connection, read};
use tokio::task::JoinSet;

use crate::measured::{Front, SHARDS, update};

/// Pause of a client between two requests.
const PAUSE: Duration = Duration::from_millis(5);

/// A request that was answered, or failed.
struct Asked {
    is_read: bool,
    shard: u64,
    begin: Instant,
    end: Instant,
    good: bool,
}

/// Everything that was asked.
pub struct AllAsked(Vec<Asked>);

/// A writer and a reader for each shard.
pub struct Load {
    stop: Arc<AtomicBool>,
    clients: JoinSet<Result<Vec<Asked>>>,
}

impl Load {
    /// Starts it.
    pub fn start(front: &Front) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for shard in 0..SHARDS {
            for is_read in [true, false] {
                clients.spawn(client(stop.clone(), front.clone(), shard, is_read));
            }
        }
        Load { stop, clients }
    }

    /// Ends it.
    pub async fn end(mut self) -> Result<AllAsked> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        while let Some(asked) = self.clients.join_next().await {
            all.extend(asked??);
        }
        Ok(AllAsked(all))
    }
}

async fn client(
    stop: Arc<AtomicBool>,
    front: Front,
    shard: u64,
    is_read: bool,
) -> Result<Vec<Asked>> {
    let mut connection = Connection::open(&front.address).await?;
    let mut asked = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let key = front.any_key_of(shard);
        let (method, path, body) = if is_read { read(key) } else { update(key) };
        let begin = Instant::now();
        let good = connection.send(method, path, body).await.is_ok();
        asked.push(Asked { is_read, shard, begin, end: Instant::now(), good });
        tokio::time::sleep(PAUSE).await;
    }
    Ok(asked)
}

impl AllAsked {
    /// How long after that time each of the shards had a write acknowledged that began after it;
    /// the longest of these.
    pub fn first_writes(&self, after: Instant, shards: &[u64]) -> Result<Duration> {
        let first = |shard: &u64| {
            let writes = self.0.iter().filter(|asked| asked.shard == *shard && !asked.is_read);
            writes
                .filter(|write| write.good && write.begin > after)
                .map(|write| write.end - after)
                .min()
                .context("no write was acknowledged any more")
        };
        let firsts: Vec<Duration> = shards.iter().map(first).collect::<Result<_>>()?;
        firsts.into_iter().max().context("no shard")
    }

    /// When reads failed.
    pub fn failed_reads(&self, after: Instant) -> Vec<Duration> {
        let failed = self.0.iter().filter(|asked| asked.is_read && !asked.good);
        failed.map(|read| read.end.saturating_duration_since(after)).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn the_shard_that_waits_longest_counts() {
        let killed = Instant::now() + Duration::from_secs(1);
        let at = |ms| killed + Duration::from_millis(ms);
        let asked = |is_read, shard, begin, end, good| Asked { is_read, shard, begin, end, good };
        let all = AllAsked(vec![
            // Under way already: it says nothing.
            asked(false, 0, killed - Duration::from_millis(1), at(1), true),
            asked(false, 0, at(2), at(5), false),
            asked(false, 0, at(10), at(20), true),
            asked(false, 1, at(10), at(30), true),
            asked(false, 2, at(10), at(90), true),
            asked(true, 0, at(10), at(12), false),
            asked(true, 0, at(20), at(25), true),
        ]);
        assert_eq!(all.first_writes(killed, &[0, 1]).unwrap(), Duration::from_millis(30));
        assert_eq!(all.failed_reads(killed), [Duration::from_millis(12)]);
        assert!(all.first_writes(killed, &[7]).is_err());
    }
}
