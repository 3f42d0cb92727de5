//! The log of events.

use ringwright_metadata::{KEPT_EVENTS, MetadataError, MetadataStore, SqlStore};
use ringwright_model::{Event, EventId, EventKind};

use crate::home::*;

async fn ids(store: &SqlStore, after: EventId, newest: u32) -> Vec<EventId> {
    store.events(after, newest).await.unwrap().iter().map(|event| event.id).collect()
}

pub async fn events_are_there_as_they_were_kept_the_oldest_first(home: Home) {
    let store = home.open().await;
    let mut about = event(3_000_000_002);
    (about.server, about.plugin) = (Some("Server[ä]".into()), Some("md5".into()));
    let events = [event(3_000_000_001), about, event(4_000_000_001)];
    store.keep_events(&events).await.unwrap();
    store.close().await;
    let store = home.open().await;
    assert_eq!(store.events(0, 10).await.unwrap(), events);
    assert_eq!(ids(&store, 0, 2).await, [3_000_000_002, 4_000_000_001], "the newest");
    assert_eq!(ids(&store, 3_000_000_002, 10).await, [4_000_000_001]);
    assert_eq!(ids(&store, u64::MAX, 10).await, [0; 0]);
}

pub async fn an_event_kept_twice_is_there_once(home: Home) {
    let store = home.open().await;
    store.keep_events(&[event(1), event(2)]).await.unwrap();
    let other = Event { message: "another".into(), ..event(2) };
    store.keep_events(&[other, event(3)]).await.unwrap();
    assert_eq!(store.events(0, 10).await.unwrap(), [event(1), event(2), event(3)]);
}

pub async fn the_newest_are_kept_and_the_others_go(home: Home) {
    let store = home.open().await;
    let most = u64::from(KEPT_EVENTS);
    let events: Vec<Event> = (1..=most).map(event).collect();
    store.keep_events(&events).await.unwrap();
    assert_eq!(ids(&store, 0, u32::MAX).await.len(), events.len());
    store.keep_events(&[event(most + 1), event(most + 2)]).await.unwrap();
    let kept = ids(&store, 0, u32::MAX).await;
    assert_eq!((kept.len(), kept[0]), (events.len(), 3));
}

pub async fn whoever_lost_the_charge_keeps_its_events(home: Home) {
    let (old, new) = (small(&home).await, home.open().await);
    take(&new, "new").await;
    new.keep_events(&[event(2_000_000_001)]).await.unwrap();
    old.keep_events(&[event(1_000_000_009)]).await.unwrap();
    assert_eq!(ids(&new, 0, 10).await, [1_000_000_009, 2_000_000_001]);
}

pub async fn a_kind_of_a_newer_version_is_left_out(home: Home) {
    let store = home.open().await;
    let odd = Event { kind: EventKind::ShadowEnded, ..event(2) };
    store.keep_events(&[event(1), odd, event(3)]).await.unwrap();
    home.sql("UPDATE event SET kind = 'of-tomorrow' WHERE kind = 'shadow-ended'").await;
    assert_eq!(ids(&store, 0, 10).await, [1, 3]);
}

pub async fn what_can_never_be_kept_is_told_from_what_could_not_be_now(home: Home) {
    let store = home.open().await;
    let refused = store.keep_events(&[event(1), event(u64::MAX)]).await;
    assert!(matches!(refused, Err(MetadataError::Corrupt(_))), "{refused:?}");
    assert_eq!(ids(&store, 0, 10).await, [0; 0], "none of them");
    store.close().await;
    let failed = store.keep_events(&[event(1)]).await;
    assert!(matches!(failed, Err(MetadataError::Storage(_))), "{failed:?}");
}
