//! What happens to a cluster, as it is kept and told.

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Grows from event to event, from one balancer to the next, too.
    pub id: EventId,
    /// When; in JSON as RFC 3339 tells it, in UTC and milliseconds.
    #[serde(with = "rfc3339")]
    pub time: SystemTime,
    /// What.
    pub kind: EventKind,
    /// The server it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The shard it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// The plugin it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// What people read.
    pub message: String,
    /// What else is known.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub details: Map<String, Value>,
}

/// Numbers the events: the epoch in which one was noted, times [`EVENTS_OF_AN_EPOCH`], and its
/// place in that epoch. So no two balancers give one number, whatever they know of each other, and
/// JavaScript still tells all numbers of the first nine million epochs apart.
pub type EventId = u64;

/// How many numbers an epoch has for its events.
pub const EVENTS_OF_AN_EPOCH: EventId = 1_000_000_000;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// What kind of thing happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum EventKind {
            $($(#[$doc])* #[serde(rename = $name)] $kind,)*
        }

        impl EventKind {
            /// All there are.
            pub const ALL: &[EventKind] = &[$(EventKind::$kind),*];

            /// Its name, as clients see it.
            pub fn name(self) -> &'static str {
                match self {
                    $(EventKind::$kind => $name,)*
                }
            }

            /// The kind of that name, where this version knows one.
            pub fn named(name: &str) -> Option<EventKind> {
                EventKind::ALL.iter().copied().find(|kind| kind.name() == name)
            }
        }
    };
}

kinds! {
    /// A balancer took charge of the cluster.
    ChargeTaken = "charge-taken",
    /// Another balancer took charge; noted by the one that lost it.
    ChargeLost = "charge-lost",
    /// `/init` has set the cluster up.
    ClusterInitialised = "cluster-initialised",
    /// A server joined the cluster.
    ServerAdded = "server-added",
    /// A server left the cluster.
    ServerRemoved = "server-removed",
    /// A server gave no sign of life in time.
    HeartbeatMissed = "heartbeat-missed",
    /// A server's process or container exited.
    HeartbeatLost = "heartbeat-lost",
    /// A server that had missed heartbeats answers again.
    HeartbeatBack = "heartbeat-back",
    /// A server was given up.
    Flatline = "flatline",
    /// A replacement of a server is started.
    RespawnBegun = "respawn-begun",
    /// A replacement did not start.
    RespawnFailed = "respawn-failed",
    /// A server that was given up is there again.
    ServerBack = "server-back",
    /// A replica lacks a write, and is asked nothing until it has caught up.
    ReplicaOutOfSync = "replica-out-of-sync",
    /// A replica holds all that is committed.
    ReplicaInSync = "replica-in-sync",
    /// Rows are copied to a replica.
    CopyBegun = "copy-begun",
    /// The rows were copied.
    CopyDone = "copy-done",
    /// A copy ended early, and is tried again.
    CopyFailed = "copy-failed",
    /// A copy went from one server to another, for balance or for want of a server.
    ReplicaMoved = "replica-moved",
    /// The moves that a placement policy proposed are made.
    Rebalanced = "rebalanced",
    /// The metadata store does not take commits: writes wait.
    CommitStalled = "commit-stalled",
    /// It takes them again.
    CommitResumed = "commit-resumed",
    /// Another plugin is active.
    PluginSwapped = "plugin-swapped",
    /// A plugin failed too often.
    PluginOutOfService = "plugin-out-of-service",
    /// A hash function sees what the active one does.
    ShadowBegun = "shadow-begun",
    /// It sees it no more.
    ShadowEnded = "shadow-ended",
    /// Events were lost, while the store that keeps them was away.
    EventsDropped = "events-dropped",
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A time as RFC 3339 tells it.
mod rfc3339 {
    use std::time::SystemTime;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        time: &SystemTime,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_rfc3339_millis(*time))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SystemTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_rfc3339(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use std::time::Duration;

    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_told_with_what_it_is_about_and_nothing_else() {
        let event = Event {
            id: 2_000_000_001,
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(1_000_000_000_123),
            kind: EventKind::Flatline,
            server: Some("Server1".into()),
            shard: None,
            plugin: None,
            message: "FLATLINE".into(),
            details: Map::new(),
        };
        let told = json!({"id": 2_000_000_001_u64, "time": "2001-09-09T01:46:40.123Z",
            "kind": "flatline", "server": "Server1", "message": "FLATLINE"});
        assert_eq!(serde_json::to_value(&event).unwrap(), told);
        assert_eq!(serde_json::from_value::<Event>(told).unwrap(), event);
    }

    #[test]
    fn each_kind_has_a_name_of_its_own() {
        for kind in EventKind::ALL {
            assert_eq!(json!(kind), json!(kind.name()));
            assert_eq!(EventKind::named(kind.name()), Some(*kind));
        }
        assert_eq!(EventKind::named("Flatline"), None);
    }
}
