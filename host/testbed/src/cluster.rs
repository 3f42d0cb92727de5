//! A cluster, wherever it runs.

use std::time::SystemTime;

use anyhow::Result;
use serde_json::Value;

use crate::{Connection, Deployment, Embedded};

/// A cluster, gone when this is dropped.
pub enum Cluster {
    /// Processes.
    Embedded(Embedded),
    /// Containers.
    Deployment(Deployment),
}

/// What can be done to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// It ends at once.
    Kill,
    /// It stands still, with its connections open.
    Stop,
    /// It goes on.
    Continue,
}

impl Signal {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Signal::Kill => "KILL",
            Signal::Stop => "STOP",
            Signal::Continue => "CONT",
        }
    }
}

impl Cluster {
    /// Where the balancer listens: host and port.
    pub fn address(&self) -> &str {
        match self {
            Cluster::Embedded(cluster) => &cluster.address,
            Cluster::Deployment(cluster) => &cluster.address,
        }
    }

    /// What a change of the cluster wants to see.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn token(&self) -> Result<Option<String>> {
        match self {
            Cluster::Embedded(_) => Ok(None),
            Cluster::Deployment(cluster) => cluster.token().map(Some),
        }
    }

    /// A connection that may change the cluster.
    ///
    /// # Errors
    /// Where nobody listens.
    pub async fn connect(&self) -> Result<Connection> {
        Ok(Connection::open(self.address()).await?.with_token(self.token()?))
    }

    /// What the balancer has logged since then, an event each.
    ///
    /// # Errors
    /// Where its log cannot be read.
    pub fn log_since(&self, then: SystemTime) -> Result<Vec<Value>> {
        match self {
            Cluster::Embedded(cluster) => cluster.log_since(then),
            Cluster::Deployment(cluster) => cluster.log_since(then),
        }
    }

    /// Does something to a server.
    ///
    /// # Errors
    /// Where there is no such server.
    pub fn signal(&self, server: &str, what: Signal) -> Result<()> {
        match self {
            Cluster::Embedded(cluster) => cluster.signal(server, what),
            Cluster::Deployment(cluster) => cluster.signal(server, what),
        }
    }

    /// Where a server listens: host and port.
    ///
    /// # Errors
    /// Where there is no such server.
    pub fn server_address(&self, server: &str) -> Result<String> {
        match self {
            Cluster::Embedded(cluster) => cluster.server_address(server),
            Cluster::Deployment(cluster) => cluster.server_address(server),
        }
    }

    /// The secret that its servers know their balancer by.
    pub(crate) fn secret(&self) -> Result<String> {
        match self {
            Cluster::Embedded(cluster) => cluster.secret(),
            Cluster::Deployment(cluster) => cluster.secret(),
        }
    }
}
