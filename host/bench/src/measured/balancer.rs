//! A balancer whose table is filled: as processes over SQLite, or as a deployment.

use std::path::Path;

use anyhow::Result;
use ringwright_testbed::{Deployment, Embedded, Place, Setup};

use super::ROWS;
use super::front::{Front, ROOM};

/// Where the deployment goes that is measured.
const PLACE: Place = Place { name: "ringwright-bench", publish: "127.0.0.1:5067", tag: "bench" };

/// A cluster, and its balancer as clients see it.
pub struct Filled<T> {
    pub front: Front,
    pub cluster: T,
}

impl Filled<Embedded> {
    /// Starts processes, and fills their table.
    pub async fn start(program: &Path, data: &Path, plugins: &Path, hash: &str) -> Result<Self> {
        let setup = Setup::new(Front::cluster(ROOM), hash);
        let cluster = Embedded::start(program, data, plugins, &setup).await?;
        let front = Front::fill(cluster.address.clone(), ROOM, ROWS).await?;
        Ok(Filled { front, cluster })
    }
}

impl Filled<Deployment> {
    /// Starts containers with that many keys a shard, and fills their table with rows.
    pub async fn deploy(data: &Path, hash: &str, size: u64, rows: u64) -> Result<Self> {
        let cluster = Deployment::start(data, &PLACE, &Setup::new(Front::cluster(size), hash))?;
        let front = Front::fill(cluster.address.clone(), size, rows).await?;
        Ok(Filled { front, cluster })
    }
}
