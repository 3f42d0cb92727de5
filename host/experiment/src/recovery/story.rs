//! What the balancer's log tells of a server that was lost.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use ringwright_plot::Event;
use ringwright_testbed::time_of;
use serde_json::Value;

/// What happened to a server since it was killed, in seconds from then.
pub(crate) fn events(log: &[Value], server: &str, killed: SystemTime) -> Result<Vec<Event>> {
    let mut events = vec![Event { at: 0.0, what: format!("{server} is killed") }];
    for event in log.iter().filter(|event| event["server"] == server) {
        let Some(what) = told(event) else { continue };
        let since = time_of(event)?.duration_since(killed).unwrap_or_default();
        events.push(Event { at: since.as_secs_f64(), what });
    }
    Ok(events)
}

/// When the last replica came to be in sync, or the last replacement up, in seconds from then: the
/// replicas of a server may be in sync as soon as it is back.
pub(crate) fn in_sync(log: &[Value], killed: SystemTime) -> Result<f64> {
    let mut last = Duration::ZERO;
    for event in log.iter().filter(|event| says(event, IN_SYNC) || says(event, UP)) {
        last = last.max(time_of(event)?.duration_since(killed).unwrap_or_default());
    }
    Ok(last.as_secs_f64())
}

/// Whether its replacement is up.
pub(crate) fn is_up(log: &[Value], server: &str) -> bool {
    log.iter().any(|event| event["server"] == server && says(event, UP))
}

/// What is told of a replacement that is up.
pub(crate) const UP: &str = "RESPAWN: the replacement is up";
const IN_SYNC: &str = "a replica is in sync";

fn says(event: &Value, words: &str) -> bool {
    event["message"].as_str().is_some_and(|message| message.starts_with(words))
}

fn told(event: &Value) -> Option<String> {
    let number = |field: &str| event[field].as_u64().unwrap_or_default();
    let told = [
        ("HEARTBEAT lost", "the balancer sees its exit".to_owned()),
        ("HEARTBEAT missed", format!("heartbeat missed, {} in a row", number("misses"))),
        ("FLATLINE", "FLATLINE: it is given up".to_owned()),
        ("RESPAWN: starting", "RESPAWN: a replacement is started".to_owned()),
        (UP, UP.to_owned()),
        (IN_SYNC, format!("{} is in sync on it", event["shard"].as_str().unwrap_or("a shard"))),
    ];
    told.into_iter().find(|(words, _)| says(event, words)).map(|(_, what)| what)
}

/// When it happened first, by the beginning of what is told of it.
pub(crate) fn first(events: &[Event], what: &str) -> Option<f64> {
    events.iter().find(|event| event.what.starts_with(what)).map(|event| event.at)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use serde_json::json;

    use super::*;

    #[test]
    fn the_log_tells_the_story_of_one_server() {
        let event = |second: u32, server: &str, message: &str| {
            json!({"timestamp": format!("1970-01-01T00:00:{second:02}.250000Z"),
                "server": server, "message": message, "misses": 3, "shard": "sh1"})
        };
        let log = [
            event(10, "a", "HEARTBEAT missed"),
            event(10, "b", "HEARTBEAT missed"),
            event(11, "a", "something else"),
            event(11, "b", "RESPAWN: the replacement is up"),
            event(12, "a", "FLATLINE: the server is given up"),
            event(13, "a", "a replica is in sync"),
        ];
        let killed = SystemTime::UNIX_EPOCH + Duration::from_secs(10);
        let events = events(&log, "a", killed).unwrap();
        let told: Vec<(f64, &str)> = events.iter().map(|e| (e.at, e.what.as_str())).collect();
        let expected = [
            (0.0, "a is killed"),
            (0.25, "heartbeat missed, 3 in a row"),
            (2.25, "FLATLINE: it is given up"),
            (3.25, "sh1 is in sync on it"),
        ];
        assert_eq!(told, expected);
        assert!(is_up(&log, "b") && !is_up(&log, "a"));
        assert_eq!(first(&events, "FLATLINE"), Some(2.25));
        assert_eq!(in_sync(&log, killed).unwrap(), 3.25);
        assert_eq!(in_sync(&log[..4], killed).unwrap(), 1.25, "nothing was to be copied");
    }
}
