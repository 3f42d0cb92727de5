//! What a cluster went through, and how it came out.

use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, ensure};
use ringwright_plot::{Event, Plot, Timeline};
use ringwright_testbed::{Signal, all_in_sync};
use serde_json::{Value, json};

use super::story::{self, first};
use crate::lab::Bed;
use crate::load::{Call, Load, Plan};
use crate::{Lab, Sample};

/// The server that is killed.
const VICTIM: &str = "Server1";

/// Columns of a time line are this wide.
const STEP: Duration = Duration::from_millis(100);

/// Connections of the light load.
pub(super) const CONNECTIONS: usize = 10;

/// Most requests of a load: for as long as anybody waits.
const MOST: usize = 1_000_000;

/// The time from one look whether there is a replacement to the next.
const LOOK: Duration = Duration::from_millis(200);

/// The last of the events.
const WELL: &str = "every replica is in sync";

/// Most time until all is well again.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a cluster went through.
pub(super) struct Survived {
    pub samples: Vec<Sample>,
    /// Requests that were due at the end and never sent: it did not keep up.
    unsent: usize,
    /// When the server was killed, since the load began.
    killed: Duration,
    events: Vec<Event>,
}

/// Kills the server under a light load, which goes on until some time after all is well again.
pub(super) async fn survive(
    lab: &Lab,
    bed: &Bed,
    call: impl Fn(usize) -> Call + Send + Sync + 'static,
) -> Result<Survived> {
    all_in_sync(bed.address()).await?;
    lab.bar.set_message("a server is killed");
    let pace = Duration::from_secs(1) / lab.scope.rate;
    let plan = lab.plan(bed.address(), call);
    let plan = Plan { connections: CONNECTIONS, most: MOST, pace: Some(pace), ..plan };
    let load = Load::start(plan).await?;
    tokio::time::sleep(lab.scope.around).await;
    let at = SystemTime::now();
    bed.signal(VICTIM, Signal::Kill)?;
    replaced(|| Ok(story::is_up(&bed.log_since(at)?, VICTIM))).await?;
    all_in_sync(bed.address()).await?;
    tokio::time::sleep(lab.scope.around).await;
    let killed = at.duration_since(load.clock()).unwrap_or_default();
    let unsent = load.behind();
    let samples = load.stop().await?;
    let log = bed.log_since(at)?;
    let mut events = story::events(&log, VICTIM, at)?;
    // All were seen to be in sync: the log tells since when, more exactly than who asks.
    events.push(Event { at: story::in_sync(&log, at)?, what: WELL.into() });
    Ok(Survived { samples, unsent, killed, events })
}

/// Waits until there is a replacement. Each look costs the machine that is measured a process, so
/// there are few.
async fn replaced(mut is_up: impl FnMut() -> Result<bool>) -> Result<()> {
    let began = Instant::now();
    while !is_up()? {
        ensure!(began.elapsed() < PATIENCE, "no replacement {PATIENCE:?} after the kill");
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

impl Survived {
    fn failed(&self) -> usize {
        self.samples.iter().filter(|sample| !sample.is_good()).count()
    }

    /// Of the answers that were looked through for a row, how many had it, and how many had not.
    pub fn looked_up(&self) -> (usize, usize) {
        let count = |found| self.samples.iter().filter(|s| s.found == Some(found)).count();
        (count(true), count(false))
    }

    /// When every replica was in sync.
    fn in_sync(&self) -> f64 {
        first(&self.events, WELL).unwrap_or_default()
    }

    /// The longest answer to a request that was under way at the kill, or due within a second
    /// after it.
    fn longest(&self) -> Duration {
        let until = self.killed + Duration::from_secs(1);
        let then = self.samples.iter().filter(|s| s.end() >= self.killed && s.start < until);
        then.map(|sample| sample.latency).max().unwrap_or_default()
    }

    /// The longest that a request waited for a connection to be free.
    fn longest_lag(&self) -> Duration {
        self.samples.iter().map(|sample| sample.lag).max().unwrap_or_default()
    }

    /// When the replacement was up, where the server was given up at all.
    pub fn replaced(&self) -> Option<f64> {
        first(&self.events, "FLATLINE").and_then(|_| first(&self.events, story::UP))
    }

    pub fn shown(&self) -> String {
        let at = |what| first(&self.events, what).map_or("never".into(), |at| format!("{at:.2} s"));
        format!(
            "{} of {} requests failed; flatline after {}, replacement up after {}, in sync after \
             {:.2} s",
            self.failed(),
            self.samples.len(),
            at("FLATLINE"),
            at(story::UP),
            self.in_sync()
        )
    }

    pub fn shows(&self) -> String {
        let failed = match self.failed() {
            0 => "none failed: those for the dead server went to others".to_owned(),
            n => format!("{n} failed"),
        };
        let unsent = match self.unsent {
            0 => String::new(),
            n => format!(" {n} more were due and never sent, as the cluster did not keep up."),
        };
        let misses = self.events.iter().filter(|event| event.what.starts_with("heartbeat missed"));
        let (misses, flatline) = (misses.count(), first(&self.events, "FLATLINE"));
        let flatline =
            flatline.map_or("no flatline".into(), |at| format!("a flatline at {at:.2} s"));
        format!(
            "Of {} requests {failed}; the longest answer around the kill took {:.0} ms.{unsent} The \
             balancer counted {misses} missed heartbeats, then {flatline}; every replica was in \
             sync {:.2} s after the kill.",
            self.samples.len(),
            self.longest().as_secs_f64() * 1000.0,
            self.in_sync()
        )
    }

    pub fn plot(&self, label: &str) -> Plot {
        let step = STEP.as_secs_f64();
        let since = |time: Duration| time.as_secs_f64() - self.killed.as_secs_f64();
        let column = |time: Duration| (since(time) / step).floor() as i64;
        let first = self.samples.first().map_or(0, |sample| column(sample.start));
        let last = self.samples.iter().map(|sample| column(sample.end())).max().unwrap_or(first);
        // The load stops somewhere in the last column, which is left out.
        let mut columns = vec![(0.0, 0.0); usize::try_from(last - first).unwrap_or(0)];
        for sample in &self.samples {
            let place = usize::try_from(column(sample.end()) - first).unwrap_or(0);
            if let Some((good, bad)) = columns.get_mut(place) {
                *(if sample.is_good() { good } else { bad }) += 1.0;
            }
        }
        let told: Vec<String> =
            self.events.iter().map(|e| format!("{} at {:.2} s", e.what, e.at)).collect();
        Timeline {
            title: "A server is killed under load".into(),
            description: format!("{} failed. {}.", self.failed(), told.join("; ")),
            label: label.to_owned(),
            from: first as f64 * step,
            step,
            columns,
            events: self.events.iter().map(|e| Event { at: e.at, what: e.what.clone() }).collect(),
        }
        .draw()
    }

    pub fn json(&self) -> Value {
        let events = self.events.iter();
        let events: Vec<Value> =
            events.map(|e| json!({"seconds": e.at, "event": e.what})).collect();
        json!({"requests": self.samples.len(), "failed": self.failed(),
            "due_and_never_sent": self.unsent,
            "longest_answer_seconds": self.longest().as_secs_f64(),
            "longest_lag_seconds": self.longest_lag().as_secs_f64(),
            "killed_seconds": self.killed.as_secs_f64(), "events": events})
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[tokio::test]
    async fn a_replacement_is_looked_for_a_few_times_a_second() {
        let (began, mut looks) = (Instant::now(), 0);
        replaced(|| {
            looks += 1;
            Ok(began.elapsed() > Duration::from_secs(1))
        })
        .await
        .unwrap();
        assert!(looks <= 7, "{looks} in {:?}", began.elapsed());
    }
}
