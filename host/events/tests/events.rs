//! Events over a store that may be away. Where time would pass it is paused.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use ringwright_events::{Events, tell};
use ringwright_metadata::{Change, Charge, MetadataError, MetadataStore, Remembered, RingPoint};
use ringwright_model::{ClusterConfig, Epoch, Event, EventId, EventKind};
use ringwright_trace::RequestId;
use serde_json::json;

/// Longer than all that may be waited for.
const LONG: Duration = Duration::from_secs(3600);

/// What is to become of calls.
#[derive(Clone, Copy, Default, PartialEq)]
enum Mood {
    #[default]
    Well,
    Away,
    Silent,
    Refuses,
}

/// A store of events alone.
#[derive(Default)]
struct Store {
    kept: Mutex<BTreeMap<EventId, Event>>,
    mood: Mutex<Mood>,
}

impl Store {
    fn is(&self, mood: Mood) {
        *self.mood.lock() = mood;
    }

    fn kinds(&self) -> Vec<EventKind> {
        self.kept.lock().values().map(|event| event.kind).collect()
    }

    async fn answers(&self) -> Result<(), MetadataError> {
        let mood = *self.mood.lock();
        match mood {
            Mood::Well => Ok(()),
            Mood::Away => Err(MetadataError::Unavailable("away".into())),
            Mood::Refuses => Err(MetadataError::Corrupt("refused".into())),
            Mood::Silent => std::future::pending().await,
        }
    }
}

fn not_asked<T>() -> Result<T, MetadataError> {
    Err(MetadataError::Unavailable("nobody is to ask".into()))
}

#[async_trait]
impl MetadataStore for Store {
    async fn charge(&self) -> Result<Charge, MetadataError> {
        not_asked()
    }
    async fn take_charge(
        &self,
        _: &str,
        _: Duration,
        _: &Charge,
    ) -> Result<Option<Epoch>, MetadataError> {
        not_asked()
    }
    async fn renew(&self, _: Epoch) -> Result<(), MetadataError> {
        not_asked()
    }
    async fn release(&self, _: Epoch) -> Result<(), MetadataError> {
        not_asked()
    }
    async fn load(&self) -> Result<ClusterConfig, MetadataError> {
        not_asked()
    }
    async fn ring(&self) -> Result<Vec<RingPoint>, MetadataError> {
        not_asked()
    }
    async fn apply(&self, _: Epoch, _: &[Change]) -> Result<(), MetadataError> {
        not_asked()
    }
    async fn remembered(&self, _: &str) -> Result<Option<Remembered>, MetadataError> {
        not_asked()
    }
    async fn keep_events(&self, events: &[Event]) -> Result<(), MetadataError> {
        self.answers().await?;
        self.kept.lock().extend(events.iter().map(|event| (event.id, event.clone())));
        Ok(())
    }
    async fn events(&self, after: EventId, newest: u32) -> Result<Vec<Event>, MetadataError> {
        self.answers().await?;
        let kept = self.kept.lock();
        let mut found: Vec<Event> = kept.range(after + 1..).map(|(_, e)| e.clone()).collect();
        Ok(found.split_off(found.len().saturating_sub(newest as usize)))
    }
}

fn begin() -> (Arc<Store>, Events) {
    let store = Arc::new(Store::default());
    (store.clone(), Events::start(store, 3))
}

fn miss(events: &Events, misses: u64) {
    tell!(events, WARN, HeartbeatMissed, server = "A", misses = misses; "HEARTBEAT missed");
}

async fn ids(events: &Events, after: EventId, newest: u32) -> (Vec<EventId>, bool) {
    let replay = events.replay(after, newest).await;
    (replay.events.iter().map(|event| event.id).collect(), replay.complete)
}

#[tokio::test(start_paused = true)]
async fn an_event_has_what_the_line_of_the_log_has() {
    let (store, events) = begin();
    let error = "plugin\0 said: ".to_owned() + &"ä".repeat(1000);
    tell!(events, ERROR, CopyFailed, shard = "sh1", server = "A", rows = 7, plugin = "md5",
        error = error; "a copy failed");
    events.settle(LONG).await;
    let kept = store.kept.lock().values().next().unwrap().clone();
    assert_eq!((kept.id, kept.kind), (3_000_000_001, EventKind::CopyFailed));
    assert_eq!((kept.server.as_deref(), kept.shard.as_deref()), (Some("A"), Some("sh1")));
    assert_eq!((kept.plugin.as_deref(), kept.message.as_str()), (Some("md5"), "a copy failed"));
    assert_eq!(kept.details["rows"], json!(7));
    let said = kept.details["error"].as_str().unwrap();
    assert!(said.starts_with("plugin\u{fffd} said: ä") && said.ends_with("ä…"), "{said}");
    assert!(said.len() < 1010, "{}", said.len());
    assert_eq!(kept.details.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_event_names_the_request_that_it_came_of() {
    let (_, events) = begin();
    let mut feed = events.feed();
    miss(&events, 1);
    RequestId::named(format_args!("mine")).run(async { miss(&events, 2) }).await;
    assert_eq!(feed.next().await.unwrap().details.get("request_id"), None);
    assert_eq!(feed.next().await.unwrap().details["request_id"], "mine");
}

#[tokio::test(start_paused = true)]
async fn events_of_a_time_without_a_store_are_kept_when_it_is_back() {
    let (store, events) = begin();
    for mood in [Mood::Away, Mood::Silent] {
        store.is(mood);
        let before = store.kinds().len();
        miss(&events, 1);
        miss(&events, 2);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(store.kinds().len(), before);
        let (seen, complete) = ids(&events, 0, 10).await;
        assert!(seen.len() == 2 && !complete, "those that wait are seen: {seen:?}");
        if mood == Mood::Silent {
            break; // a real one gives up by itself
        }
        let times: Vec<_> = events.replay(0, 10).await.events.iter().map(|e| e.time).collect();
        store.is(Mood::Well);
        events.settle(LONG).await;
        let kept: Vec<_> = store.kept.lock().values().map(|event| event.time).collect();
        assert_eq!(kept, times, "with their own times");
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_memory_is_left_for_is_counted_and_said() {
    let (store, events) = begin();
    store.is(Mood::Away);
    (1..=2_010).for_each(|misses| miss(&events, misses));
    store.is(Mood::Well);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let kept = store.kept.lock();
    let (_, first) = kept.first_key_value().unwrap();
    assert_eq!(first.details["misses"], 11, "the oldest went");
    let (_, last) = kept.last_key_value().unwrap();
    assert_eq!((last.kind, &last.details["lost"]), (EventKind::EventsDropped, &json!(10)));
    assert_eq!(kept.len(), 2_001);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_stands_in_nobodys_way() {
    let (store, events) = begin();
    store.is(Mood::Refuses);
    miss(&events, 1);
    events.settle(LONG).await;
    store.is(Mood::Well);
    miss(&events, 2);
    events.settle(LONG).await;
    assert_eq!(store.kept.lock().values().next().unwrap().details["misses"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_replay_gives_the_newest_of_all_written_or_not_each_once() {
    let (store, events) = begin();
    (1..=5).for_each(|misses| miss(&events, misses));
    events.settle(LONG).await;
    let id = |n: u64| 3_000_000_000 + n;
    // Both in the store and waiting to be written, as for a moment they are.
    miss(&events, 6);
    let sixth = events.replay(id(5), 1).await.events[0].clone();
    store.keep_events(&[Event::clone(&sixth)]).await.unwrap();
    miss(&events, 7);
    assert_eq!(ids(&events, 0, 3).await, (vec![id(5), id(6), id(7)], true));
    assert_eq!(ids(&events, id(4), 10).await, (vec![id(5), id(6), id(7)], true));
    assert_eq!(ids(&events, id(7), 10).await, (vec![], true));
}

#[tokio::test(start_paused = true)]
async fn whoever_looks_on_sees_each_event_in_order_or_is_told_to_come_again() {
    let (_, events) = begin();
    miss(&events, 0);
    let (mut feed, mut late) = (events.feed(), events.feed());
    for misses in 1..=200 {
        miss(&events, misses);
        assert_eq!(feed.next().await.unwrap().details["misses"], misses);
    }
    assert_eq!(late.next().await.unwrap().details["misses"], 1);
    (1..=300).for_each(|misses| miss(&events, misses));
    assert!(late.next().await.is_none());
}

#[tokio::test]
async fn nobody_waits_for_a_store_that_does_not_answer() {
    let (store, events) = begin();
    store.is(Mood::Silent);
    miss(&events, 1);
    events.settle(Duration::from_millis(10)).await;
    drop(events);
    assert_eq!(store.kinds(), []);
}

#[test]
fn each_kind_is_told_to_operators() {
    let docs = include_str!("../../../docs/operations.md");
    for kind in EventKind::ALL {
        assert!(docs.contains(&format!("`{kind}`")), "docs/operations.md lacks {kind}");
    }
}
