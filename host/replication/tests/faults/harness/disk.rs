//! What is on a disk at this moment, whatever is in memory: as after the power failed.

use std::path::{Path, PathBuf};

use ringwright_metadata::{MetadataStore, SqlStore};
use ringwright_model::{ClusterConfig, Key, Term};
use ringwright_shard_server::Storage;
use ringwright_wire::{Adopt, QueryResult, RangeQuery, Read, ShardServer, Stamp};

use super::World;

/// Higher than any balancer's here: a copy has no balancer.
const EPOCH: u64 = 1 << 40;

/// The rows of a shard on one disk; none where it does not reach the term asked for.
pub type Found = Option<Vec<(Key, String)>>;

/// Copies of every file of a world, taken while everything runs.
pub struct Copied {
    dir: tempfile::TempDir,
    servers: Vec<(String, PathBuf)>,
}

impl World {
    /// Copies all disks.
    pub fn copy_disks(&self) -> Copied {
        let dir = tempfile::tempdir().unwrap();
        copy(&self.dir.path().join("metadata"), dir.path());
        let copied = |server: &super::Faulty| {
            copy(&server.path(), dir.path());
            (server.name().to_owned(), dir.path().join(server.path().file_name().unwrap()))
        };
        let servers = self.servers.values().map(copied).collect();
        Copied { dir, servers }
    }
}

/// Copies a database and its log.
fn copy(file: &Path, to: &Path) {
    for end in ["", "-wal"] {
        let name = format!("{}{end}", file.file_name().unwrap().to_str().unwrap());
        let from = file.with_file_name(&name);
        if from.exists() {
            std::fs::copy(from, to.join(name)).unwrap();
        }
    }
}

impl Copied {
    /// A shard's VAT on the disk of the metadata.
    pub async fn vat(&self, shard: &str) -> Term {
        self.metadata().await.shards.iter().find(|s| s.id == shard).unwrap().valid_at
    }

    async fn metadata(&self) -> ClusterConfig {
        let store = SqlStore::open_sqlite(self.dir.path().join("metadata")).await.unwrap();
        store.load().await.unwrap()
    }

    /// The rows of a shard at a term, by the server that has them on its disk.
    pub async fn rows(&self, shard: &str, vat: Term) -> Vec<(String, Found)> {
        let cluster = self.metadata().await.id;
        let mut found = Vec::new();
        for (name, path) in &self.servers {
            let storage = Storage::open_sqlite(path).await.unwrap();
            let adopt = Adopt { epoch: EPOCH, cluster: cluster.clone() };
            let incarnation = storage.adopt(adopt).await.unwrap().incarnation;
            let query = RangeQuery { shard: shard.into(), vat, low: 0, high: i64::MAX };
            let stamp = Stamp { epoch: EPOCH, incarnation };
            let mut answer = storage.read(Read { stamp, queries: vec![query] }).await.unwrap();
            let rows = match answer.results.pop().unwrap() {
                QueryResult::Rows(rows) => {
                    let row = |(key, row): (Key, Box<serde_json::value::RawValue>)| {
                        (key, row.get().trim_matches('"').to_owned())
                    };
                    Some(rows.into_iter().map(row).collect())
                }
                _ => None,
            };
            found.push((name.clone(), rows));
        }
        found
    }
}
