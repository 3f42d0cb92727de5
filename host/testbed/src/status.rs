//! What a balancer tells of its cluster.

use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{Connection, PATIENCE};

/// What `/status` tells.
///
/// # Errors
/// Where it does not answer.
pub async fn status(address: &str) -> Result<Value> {
    message(address, "/status").await
}

/// What `/plugins` tells.
///
/// # Errors
/// Where it does not answer.
pub async fn plugins(address: &str) -> Result<Value> {
    message(address, "/plugins").await
}

/// What `/ring` tells.
///
/// # Errors
/// Where it does not answer, or has no servers to lay out.
pub async fn ring(address: &str) -> Result<Value> {
    message(address, "/ring").await
}

/// The servers that `/rep` names.
///
/// # Errors
/// Where it does not answer.
pub async fn replicas(address: &str) -> Result<Vec<String>> {
    let answer = message(address, "/rep").await?;
    let names = answer["replicas"].as_array().context("/rep names no replicas")?;
    Ok(names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
}

async fn message(address: &str, path: &str) -> Result<Value> {
    let answer = Connection::open(address).await?.get(path).await?;
    Ok(serde_json::from_slice::<Value>(&answer)?["message"].take())
}

/// Waits until all plugins have been tried: that keeps the machine busy.
///
/// # Errors
/// Where it takes too long.
pub async fn settled(address: &str, patience: Duration) -> Result<()> {
    let begin = Instant::now();
    while is_checking(&plugins(address).await?) {
        ensure!(begin.elapsed() < patience, "plugins are still checked after {patience:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

fn is_checking(listed: &Value) -> bool {
    let all = listed["plugins"].as_array().into_iter().flatten();
    all.into_iter().any(|plugin| plugin["state"] == "checking")
}

/// Waits until every server lives and every replica is in sync.
///
/// # Errors
/// What the status is, where it takes too long.
pub async fn all_in_sync(address: &str) -> Result<()> {
    let began = Instant::now();
    loop {
        let status = status(address).await?;
        if is_well(&status) {
            return Ok(());
        }
        ensure!(began.elapsed() < PATIENCE, "not in sync after {PATIENCE:?}: {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn is_well(status: &Value) -> bool {
    let live = |states: &serde_json::Map<_, _>| states.values().all(|state| *state == "live");
    let in_sync = |all: &Vec<Value>| all.iter().all(|replica| replica["state"] == "in_sync");
    status["server_states"].as_object().is_some_and(live)
        && status["replicas"].as_array().is_some_and(in_sync)
}

/// The events of a log, one a line.
pub(crate) fn events(log: &str) -> Vec<Value> {
    log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Those that happened since then.
pub(crate) fn since(mut events: Vec<Value>, then: SystemTime) -> Vec<Value> {
    events.retain(|event| time_of(event).is_ok_and(|time| time >= then));
    events
}

/// When an event of the log happened.
///
/// # Errors
/// Where it does not say.
pub fn time_of(event: &Value) -> Result<SystemTime> {
    let text = event["timestamp"].as_str().context("an event without a time")?;
    humantime::parse_rfc3339(text).with_context(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use serde_json::json;

    use super::*;

    #[test]
    fn one_replica_behind_or_one_server_away_is_not_well() {
        let status = |server: &str, replica: &str| {
            json!({"server_states": {"a": "live", "b": server},
                "replicas": [{"state": "in_sync"}, {"state": replica}]})
        };
        assert!(is_well(&status("live", "in_sync")));
        assert!(!is_well(&status("suspect", "in_sync")));
        assert!(!is_well(&status("live", "copying")));
        assert!(!is_well(&json!({})));
    }

    #[test]
    fn plugins_are_checked_in_peace() {
        let listed = |state: &str| json!({"plugins": [{"state": "loaded"}, {"state": state}]});
        assert!(is_checking(&listed("checking")));
        assert!(!is_checking(&listed("refused")));
    }

    #[test]
    fn an_event_has_its_time() {
        let event = json!({"timestamp": "1970-01-01T00:00:01.500000Z"});
        let since = time_of(&event).unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(since, Duration::from_millis(1500));
        assert!(time_of(&json!({})).is_err());
    }

    #[test]
    fn a_log_is_read_from_a_time_on() {
        let log = "no event\n{\"timestamp\":\"1970-01-01T00:00:01Z\"}\n\
                   {\"timestamp\":\"1970-01-01T00:00:02Z\"}\n";
        let from =
            |second| since(events(log), SystemTime::UNIX_EPOCH + Duration::from_secs(second)).len();
        assert_eq!([0, 1, 2, 3].map(from), [2, 2, 1, 0]);
    }
}
