//! Reads: one snapshot, whatever they cover, and never behind a write.

use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use ringwright_model::{Key, Sharding};
use ringwright_wire::{QueryResult, RangeQuery, Read, WireError};
use serde_json::value::RawValue;
use tracing::{Instrument, debug_span};

use crate::member::Link;
use crate::view::{ShardView, View};
use crate::{Cluster, Member, NotInCharge, Protocol, ReadError};

/// Ranges wider than this go on their own: behind one of them a batch of small ones would wait.
const WIDE: i64 = 64;

/// Pause before what could not be read is tried again.
const PAUSE: Duration = Duration::from_millis(20);

/// Chooses among replicas that are equally good.
pub trait Routing: Send + Sync + 'static {
    /// In which order to ask the replicas of a shard that are in sync: all of them, the
    /// preferred one first.
    fn order(&self, shard: &ShardView) -> Vec<Arc<Member>>;
}

/// The rows of a range.
#[derive(Debug)]
pub struct RangeRead {
    /// The shards that may hold such rows.
    pub shards: Vec<String>,
    /// The rows in key order.
    pub rows: Vec<Box<RawValue>>,
}

type Rows = Vec<(Key, Box<RawValue>)>;

/// Why nothing was read.
enum Unread {
    /// There is hope: no replica answered, or they keep only what is newer than the view, or the
    /// charge lapsed and may yet be renewed.
    NotNow(ReadError),
    Never(ReadError),
}

impl Cluster {
    /// Reads the rows whose keys lie from `low` to `high`, both included. What cannot be read now
    /// is tried again, with a fresh view, for as long as the settings have patience.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn read(self: &Arc<Self>, low: Key, high: Key) -> Result<RangeRead, ReadError> {
        let mut until = None;
        loop {
            match self.read_once(low, high).await {
                Ok(read) => return Ok(read),
                Err(Unread::Never(error)) => return Err(error),
                Err(Unread::NotNow(error)) => {
                    let now = self.clock.now();
                    if now >= *until.get_or_insert(now + self.settings.patience) {
                        return Err(error);
                    }
                    self.clock.sleep(PAUSE).await;
                }
            }
        }
    }

    async fn read_once(&self, low: Key, high: Key) -> Result<RangeRead, Unread> {
        self.may_answer()?;
        let view = self.views.current();
        if view.schema.is_none() {
            return Err(Unread::Never(ReadError::NotConfigured));
        }
        let covering = view.covering(low, high);
        let parts = covering.iter().map(|&i| {
            let shard = &view.shards[i];
            let span = debug_span!("read", shard = shard.shard.id);
            self.read_shard(shard, low, high).instrument(span)
        });
        let parts = try_join_all(parts).await;
        // Checked after the data came: until then nobody else can have committed anything.
        self.may_answer()?;
        Ok(assemble(&view, &covering, parts?))
    }

    fn may_answer(&self) -> Result<(), Unread> {
        self.charge.check().map_err(|not| {
            let is_lost = self.charge.is_lost();
            if is_lost { Unread::Never(not.into()) } else { Unread::NotNow(not.into()) }
        })
    }

    async fn read_shard(&self, shard: &ShardView, low: Key, high: Key) -> Result<Rows, Unread> {
        shard.requests.add(1);
        let _timed = shard.traffic.reads.start_timer();
        let mut replicas = self.routing.order(shard);
        replicas.sort_by_key(|m| m.is_suspect()); // stable: the order holds within each kind
        for member in replicas {
            let Some(link) = member.link() else { continue };
            let _asked = member.begin();
            let query = RangeQuery { shard: shard.shard.id.clone(), vat: shard.vat, low, high };
            // Many rows may take as long as a write.
            let wide = query.high - query.low > WIDE;
            let limit = if wide { self.settings.write_timeout } else { self.settings.read_timeout };
            let asked = match self.settings.protocol {
                Protocol::Safe => self.within(limit, link.ask(ask(&link, query))).await,
                Protocol::Paper => self.paper_read(&link, query).await,
            };
            match asked {
                Ok(QueryResult::Rows(rows)) => return Ok(rows),
                Err(WireError::Epoch { current, given }) if current > given => {
                    self.charge.set_lost();
                    return Err(Unread::Never(NotInCharge.into()));
                }
                other => {
                    member.failed();
                    // Not so a time-out: a server that is busy with much is alive, and whether it
                    // is the heartbeat tells.
                    if let Err(error @ WireError::Unreachable { .. }) = other {
                        tracing::debug!(server = %member.name, %error, "a read goes elsewhere");
                        self.suspect(&member);
                    }
                }
            }
        }
        Err(Unread::NotNow(ReadError::Unavailable(shard.shard.id.clone())))
    }
}

async fn ask(link: &Link, query: RangeQuery) -> Result<QueryResult, WireError> {
    if query.high - query.low <= WIDE {
        return link.reads.query(query).await;
    }
    let read = Read { stamp: link.stamp.clone(), queries: vec![query] };
    link.server.read(read).await?.results.pop().ok_or_else(|| WireError::Unreachable {
        message: "the answer does not match the question".into(),
    })
}

fn assemble(view: &View, covering: &[usize], parts: Vec<Rows>) -> RangeRead {
    let shards = covering.iter().map(|&i| view.shards[i].shard.id.clone()).collect();
    let mut rows: Rows = parts.into_iter().flatten().collect();
    if view.sharding == Sharding::Modulo && covering.len() > 1 {
        rows.sort_by_key(|(key, _)| *key);
    }
    RangeRead { shards, rows: rows.into_iter().map(|(_, row)| row).collect() }
}
