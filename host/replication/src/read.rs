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
use crate::{Cluster, Member, Protocol, ReadError};

/// Ranges wider than this go on their own: behind one of them a batch of small ones would wait.
const WIDE: i64 = 64;

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

/// Why a shard could not be read in a view.
enum Unread {
    /// No replica answered, or they keep only what is newer than the view: this shard's turn
    /// comes again with a fresh view.
    NotNow(String),
    /// Another balancer is in charge.
    NotInCharge,
}

impl Cluster {
    /// Reads the rows whose keys lie from `low` to `high`, both included.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn read(self: &Arc<Self>, low: Key, high: Key) -> Result<RangeRead, ReadError> {
        self.charge.check()?;
        let began = self.clock.now();
        loop {
            let view = self.views.current();
            if view.schema.is_none() {
                return Err(ReadError::NotConfigured);
            }
            let covering = view.covering(low, high);
            let parts = covering.iter().map(|&i| {
                let shard = &view.shards[i];
                let span = debug_span!("read", shard = shard.shard.id);
                self.read_shard(shard, low, high).instrument(span)
            });
            let outcome = try_join_all(parts).await;
            // Checked after the data came: until then nobody else can have committed anything.
            self.charge.check()?;
            match outcome {
                Ok(parts) => return Ok(assemble(&view, &covering, parts)),
                Err(Unread::NotInCharge) => {
                    self.charge.set_lost();
                    return Err(crate::NotInCharge.into());
                }
                Err(Unread::NotNow(shard)) => {
                    if self.clock.now().saturating_sub(began) >= self.settings.patience {
                        return Err(ReadError::Unavailable(shard));
                    }
                    drop(view);
                    self.clock.sleep(Duration::from_millis(20)).await;
                }
            }
        }
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
                    return Err(Unread::NotInCharge);
                }
                // Not so a time-out: a server that is busy with much is alive, and whether it is
                // the heartbeat tells.
                Err(error @ WireError::Unreachable { .. }) => {
                    tracing::debug!(server = %member.name, %error, "a read goes elsewhere");
                    self.suspect(&member);
                }
                _ => {}
            }
        }
        Err(Unread::NotNow(shard.shard.id.clone()))
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
