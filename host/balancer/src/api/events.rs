//! What happens to the cluster: `/events`.

use std::collections::HashMap;
use std::future::ready;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::sse::Event as Sent;
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream};
use ringwright_events::{Event, EventId, Events, Feed};
use ringwright_metadata::KEPT_EVENTS;
use serde_json::{Value, json};

use super::ApiError;
use crate::Balancer;

/// How many a client gets that does not say.
const LAST: u32 = 100;

/// What happened, and what happens from now on: server-sent events, or where JSON is asked for,
/// a page of what happened.
///
/// `last` gives the newest so many; `after`, or the header `Last-Event-ID`, all that followed one.
/// A client that does not keep up is let go of, and finds what it missed by its `Last-Event-ID`.
#[utoipa::path(get, path = "/events", tag = "about",
    params(("last" = Option<u32>, Query, description = "how many, the newest; at most 10000"),
        ("after" = Option<u64>, Query, description = "only those after the event of this id"),
        ("Last-Event-ID" = Option<u64>, Header, description = "the same, as browsers say it")),
    responses((status = 200, description = "id, event and data: the event's id, kind and JSON",
            content((String = "text/event-stream"), (Value = "application/json"))),
        (status = 400, body = super::Failure), (status = 503, body = super::Failure)))]
pub(super) async fn events(
    State(balancer): State<Arc<Balancer>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let wanted = Wanted::of(&query, &headers)?;
    let events = balancer.cluster.events();
    if asks_for_json(&headers) {
        return Ok(Json(wanted.page(events).await).into_response());
    }
    Ok(balancer.streams.answer(wanted.stream(events.clone())))
}

/// Which of the events that there were.
#[derive(Clone, Copy)]
struct Wanted {
    after: EventId,
    newest: u32,
}

impl Wanted {
    fn of(query: &HashMap<String, String>, headers: &HeaderMap) -> Result<Self, ApiError> {
        let header = headers.get("last-event-id").map(|value| value.to_str().unwrap_or_default());
        // A browser that comes back says what it saw last; the address is that of its first visit.
        let after = match (header, query.get("after")) {
            (Some(id), _) => Some(number("header 'Last-Event-ID'", id)?),
            (None, Some(id)) => Some(number("field 'after'", id)?),
            (None, None) => None,
        };
        let newest = match query.get("last") {
            Some(last) => u32::try_from(number("field 'last'", last)?)
                .ok()
                .filter(|last| *last <= KEPT_EVENTS)
                .ok_or_else(|| {
                    ApiError::bad(format!("field 'last' must be at most {KEPT_EVENTS}"))
                })?,
            None if after.is_some() => KEPT_EVENTS,
            None => LAST,
        };
        Ok(Wanted { after: after.unwrap_or(0), newest })
    }

    async fn page(self, events: &Events) -> Value {
        let replay = events.replay(self.after, self.newest).await;
        json!({"message": {"events": replay.events, "complete": replay.complete},
            "status": "successful"})
    }

    /// Those there were, then those to come, each once.
    fn stream(self, events: Events) -> impl Stream<Item = Sent> + Send + 'static {
        // Before those there were are looked for: none in between is missed.
        let feed = events.feed();
        let anew = self.after > events.newest();
        let after = if anew { 0 } else { self.after };
        let begin = async move {
            let replay = events.replay(after, self.newest).await;
            let told = [anew.then(reset), (!replay.complete).then(gap)];
            let seen = replay.events.last().map_or(after, |event| event.id);
            let past = stream::iter(replay.events).filter_map(async |event| sent(&event));
            stream::iter(told.into_iter().flatten()).chain(past).chain(live(feed, seen))
        };
        stream::once(begin).flatten()
    }
}

/// What comes after an event, until the reader is too late.
fn live(feed: Feed, seen: EventId) -> impl Stream<Item = Sent> + Send + 'static {
    stream::unfold(feed, async |mut feed| Some((feed.next().await?, feed)))
        .skip_while(move |event| ready(event.id <= seen))
        .filter_map(async |event| sent(&event))
}

fn sent(event: &Event) -> Option<Sent> {
    // Texts, numbers and maps of texts: it cannot fail.
    let data = serde_json::to_string(event).ok()?;
    Some(Sent::default().id(event.id.to_string()).event(event.kind.name()).data(data))
}

/// Says that something is missing; without an id, so that it can still be asked for.
fn gap() -> Sent {
    let message = "the metadata store does not answer: earlier events are missing";
    Sent::default().event("gap").data(json!({ "message": message }).to_string())
}

/// Says that the client's last event is none of this log, which began anew: on new data, or where
/// its balancer knows less than the one before.
fn reset() -> Sent {
    Sent::default().event("reset").data(json!({"message": "the log begins anew"}).to_string())
}

fn asks_for_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("");
    accept.contains("application/json") && !accept.contains("text/event-stream")
}

fn number(what: &str, text: &str) -> Result<u64, ApiError> {
    text.parse().map_err(|_| ApiError::bad(format!("{what} must be a whole number from 0")))
}
