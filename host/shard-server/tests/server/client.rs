//! A balancer's hand: messages in a line each.

use std::sync::Arc;

use ringwright_model::{Epoch, Key, Term};
use ringwright_wire::*;

use crate::place::Place;

pub const SHARD: &str = "sh1";
/// The cluster all balancers here are of.
pub const CLUSTER: &str = "cluster";
pub const NEVER: Term = ringwright_model::NEVER;

/// A server, and the stamp it takes.
#[derive(Clone)]
pub struct Client {
    pub server: Arc<dyn ShardServer>,
    pub stamp: Stamp,
}

impl Client {
    /// Opens the server and adopts it.
    pub async fn adopt(place: &Place, epoch: Epoch) -> (Client, Vec<Holding>) {
        let server = place.open().await;
        let adopted = server.adopt(adopt(epoch)).await.unwrap();
        (
            Client { server, stamp: Stamp { epoch, incarnation: adopted.incarnation } },
            adopted.shards,
        )
    }

    /// The same in epoch 1, with shards in sync at term 0.
    pub async fn holding(place: &Place, shards: &[&str]) -> Client {
        let (client, _) = Client::adopt(place, 1).await;
        for shard in shards {
            client.assign(shard, 0).await.unwrap();
        }
        client
    }

    /// Takes a higher epoch; what the server then says it holds.
    pub async fn readopt(&mut self) -> Vec<Holding> {
        self.stamp.epoch += 1;
        self.server.adopt(adopt(self.stamp.epoch)).await.unwrap().shards
    }

    pub async fn assign(&self, shard: &str, vat: Term) -> Result<(), WireError> {
        // Before any join where it creates, after all of them where it admits.
        let number = if vat == 0 { 0 } else { u64::MAX };
        self.assign_numbered(number, shard, vat).await
    }

    pub async fn assign_numbered(
        &self,
        number: u64,
        shard: &str,
        vat: Term,
    ) -> Result<(), WireError> {
        let (stamp, in_sync) = (self.stamp.clone(), vec![(shard.to_owned(), vat)]);
        self.server.assign(Assign { stamp, number, in_sync, forget: vec![] }).await
    }

    pub async fn forget(&self, shard: &str) -> Result<(), WireError> {
        self.forget_numbered(u64::MAX, shard).await
    }

    pub async fn forget_numbered(&self, number: u64, shard: &str) -> Result<(), WireError> {
        let (stamp, forget) = (self.stamp.clone(), vec![shard.to_owned()]);
        self.server.assign(Assign { stamp, number, in_sync: vec![], forget }).await
    }

    pub async fn apply_all(&self, batches: Vec<ShardBatch>) -> Result<Applied, WireError> {
        self.server.apply(Apply { stamp: self.stamp.clone(), batches }).await
    }

    /// Applies one batch to the one shard; its refusals.
    pub async fn apply(
        &self,
        vat: Term,
        round: u64,
        requests: Vec<Vec<Op>>,
    ) -> Result<Vec<Option<Refusal>>, WireError> {
        let applied = self.apply_all(vec![batch(SHARD, vat, round, requests)]).await?;
        Ok(applied.refusals.into_iter().next().unwrap())
    }

    /// Applies one request that must be taken.
    pub async fn write(&self, vat: Term, round: u64, ops: Vec<Op>) {
        assert_eq!(self.apply(vat, round, vec![ops]).await.unwrap(), [None]);
    }

    pub async fn query(&self, queries: Vec<RangeQuery>) -> Result<Vec<QueryResult>, WireError> {
        let read = Read { stamp: self.stamp.clone(), queries };
        self.server.read(read).await.map(|answer| answer.results)
    }

    /// All rows as of a term, or how the read was refused.
    pub async fn rows(&self, vat: Term) -> Vec<(Key, String)> {
        match self.query(vec![query(SHARD, vat, 0, Key::MAX)]).await.unwrap().remove(0) {
            QueryResult::Rows(rows) => texts(rows),
            other => panic!("{other:?}"),
        }
    }

    /// The keys as of a term.
    pub async fn keys(&self, vat: Term) -> Vec<Key> {
        self.rows(vat).await.into_iter().map(|(key, _)| key).collect()
    }

    pub async fn refused_read(&self, vat: Term) -> QueryResult {
        self.query(vec![query(SHARD, vat, 0, Key::MAX)]).await.unwrap().remove(0)
    }

    pub fn export_request(&self, after: Option<Term>, upto: Term, limit: u32) -> Export {
        let stamp = self.stamp.clone();
        Export { stamp, shard: SHARD.into(), after, upto, cursor: None, limit }
    }

    /// All pages, each with at most `limit` versions.
    pub async fn export(
        &self,
        after: Option<Term>,
        upto: Term,
        limit: u32,
    ) -> Result<Vec<Version>, WireError> {
        let mut request = self.export_request(after, upto, limit);
        let mut versions = Vec::new();
        loop {
            let page = self.server.export(request.clone()).await?;
            assert!(page.versions.len() <= limit as usize);
            versions.extend(page.versions);
            request.cursor = match page.cursor {
                None => return Ok(versions),
                cursor => cursor,
            };
        }
    }

    pub fn import_request(&self, join: u64, page: u64, versions: &[Version]) -> Import {
        let stamp = self.stamp.clone();
        let start = (page == 0).then_some(ImportStart::Empty);
        let shard = SHARD.into();
        Import { stamp, shard, join, page, start, versions: versions.to_vec(), finish: None }
    }

    pub async fn import(
        &self,
        (join, page): (u64, u64),
        versions: &[Version],
    ) -> Result<(), WireError> {
        self.server.import(self.import_request(join, page, versions)).await
    }

    pub async fn finish(
        &self,
        (join, page): (u64, u64),
        versions: &[Version],
        held: Term,
        safe_point: Term,
    ) -> Result<(), WireError> {
        let finish = Some(ImportFinish { held, safe_point });
        let import = Import { finish, ..self.import_request(join, page, versions) };
        self.server.import(import).await
    }

    pub async fn collect(&self, safe_point: Term) -> Result<(), WireError> {
        let safe_points = vec![(SHARD.to_owned(), safe_point)];
        self.server.collect(Collect { stamp: self.stamp.clone(), safe_points }).await
    }

    pub async fn measure(&self, shards: &[&str]) -> Result<Vec<Option<Volume>>, WireError> {
        let shards = shards.iter().map(|id| (*id).to_owned()).collect();
        let measure = Measure { stamp: self.stamp.clone(), shards };
        self.server.measure(measure).await.map(|measured| measured.volumes)
    }

    pub async fn paper(&self, vat: Term, op: PaperOp) -> Result<PaperAnswer, WireError> {
        let step = PaperStep { stamp: self.stamp.clone(), shard: SHARD.into(), vat, op };
        self.server.paper(step).await
    }
}

pub fn batch(shard: &str, vat: Term, round: u64, requests: Vec<Vec<Op>>) -> ShardBatch {
    ShardBatch { shard: shard.into(), vat, round, safe_point: 0, requests }
}

pub fn query(shard: &str, vat: Term, low: Key, high: Key) -> RangeQuery {
    RangeQuery { shard: shard.into(), vat, low, high }
}

pub fn row(key: Key, name: &str) -> String {
    format!(r#"{{"id":{key},"name":"{name}"}}"#)
}

pub fn insert(key: Key) -> Op {
    Op::Insert { key, row: row(key, "new").into() }
}

pub fn update(key: Key, name: &str) -> Op {
    Op::Update { key, row: row(key, name).into() }
}

pub fn delete(key: Key) -> Op {
    Op::Delete { key }
}

pub fn version(key: Key, cat: Term, dat: Term) -> Version {
    Version { key, cat, dat, row: row(key, "new").into() }
}

pub fn texts(rows: Vec<(Key, Box<serde_json::value::RawValue>)>) -> Vec<(Key, String)> {
    rows.into_iter().map(|(key, row)| (key, row.get().to_owned())).collect()
}

pub fn stale() -> WireError {
    WireError::Stale { shard: SHARD.into() }
}

pub fn not_held() -> WireError {
    WireError::NotHeld { shard: SHARD.into() }
}

pub fn adopt(epoch: Epoch) -> Adopt {
    Adopt { epoch, cluster: CLUSTER.into() }
}
