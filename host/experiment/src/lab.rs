//! Where experiments are done: it starts clusters, and knows what all of them share.

use std::fs::Permissions;
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hyper::{Method, Request};
use indicatif::ProgressBar;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use ringwright_compare::{gather, owners, shares};
use ringwright_plugin_runtime::{HashPlugin, Runtime, Settings};
use ringwright_testbed::{
    Ask, Cluster, Deployment, Embedded, Place, Setup, engine_answers, read, settled,
};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::load::{Call, Load, Plan};
use crate::rows::Measured;
use crate::{Run, Scope};

/// The paper's own functions, and what takes their place in its experiment A-4.
pub(crate) const PAPERS: &str = "virtual-node";
pub(crate) const MD5: &str = "md5";
/// The placement policy that is built in.
const PLACEMENT: &str = "spread";

/// Where the deployment goes that experiments are done on.
const PLACE: Place =
    Place { name: "ringwright-experiment", publish: "127.0.0.1:5068", tag: "latest" };

/// Most time the few plugins of a cluster may take to be tried.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where clusters run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// As processes, which keep their rows in this: sqlite or postgres.
    Processes(&'static str),
    /// As containers.
    Docker,
}

/// What experiments are done with.
pub struct Lab {
    /// The program.
    pub program: PathBuf,
    /// The folder of plugins.
    pub plugin_dir: PathBuf,
    /// Where clusters run.
    pub place: Where,
    /// A balancer that is there, host and port: for what changes nothing. It is not known where its
    /// servers run.
    pub at: Option<String>,
    /// The hash function that is held against the paper's.
    pub best: String,
    /// How much is done.
    pub scope: Scope,
    /// How many processes wanted the machine before anything was begun, if that is known: over a
    /// minute, on average.
    pub busy: Option<f64>,
    /// Of all that is drawn at random.
    pub seed: u64,
    /// Told of each request that was answered.
    pub bar: ProgressBar,
    /// What every other configuration is held against.
    pub baseline: OnceCell<Measured>,
}

/// How many processors this machine has.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// How many processes want the machine, on average over the last minute.
pub fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

fn overload(busy: f64, cores: usize) -> Option<String> {
    (busy > cores as f64).then(|| {
        format!(
            "Other work kept {busy:.1} processes waiting or running before this began, more than \
             {cores} processors can serve: what is measured waits for it, and times are too long."
        )
    })
}

/// A cluster on data of its own.
pub(crate) struct Bed {
    cluster: Cluster,
    _data: TempDir,
}

impl Deref for Bed {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

impl Lab {
    /// What is to be said where other work wants more of the machine than there is.
    pub fn overload(&self) -> Option<String> {
        overload(self.busy?, cores())
    }

    /// A cluster of its own; its plugins have been tried.
    pub(crate) async fn cluster(&self, setup: &Setup) -> Result<Bed> {
        self.cluster_with(setup, &[]).await
    }

    /// The same with these hash functions beside the paper's.
    pub(crate) async fn cluster_with(&self, setup: &Setup, more: &[&str]) -> Result<Bed> {
        // Others may pass through: a Postgres does not run as root.
        let open = Permissions::from_mode(0o711);
        let data = tempfile::Builder::new().permissions(open).tempdir();
        let data = data.context("a folder for the data")?;
        // Nobody else takes charge of it: a disk that stands still must not end the measurement.
        let setup = &setup.clone().with("RINGWRIGHT_CHARGE_TERM", "30s");
        let cluster = match self.place {
            Where::Docker => {
                ensure!(engine_answers(), "no Docker engine answers");
                Cluster::Deployment(Deployment::start(data.path(), &PLACE, setup)?)
            }
            Where::Processes(engine) => {
                let plugins = data.path().join("few-plugins");
                self.few_plugins(&plugins, more)?;
                let setup = setup.clone().with("RINGWRIGHT_ENGINE", engine);
                let data = data.path().join("data");
                Cluster::Embedded(Embedded::start(&self.program, &data, &plugins, &setup).await?)
            }
        };
        settled(cluster.address(), PATIENCE).await?;
        Ok(Bed { cluster, _data: data })
    }

    /// Those that are used, so that no cluster tries them all.
    fn few_plugins(&self, folder: &Path, more: &[&str]) -> Result<()> {
        std::fs::create_dir_all(folder)?;
        for &name in [PAPERS, PLACEMENT].iter().chain(more) {
            let file = self.file_of(name);
            std::fs::copy(&file, folder.join(name).with_extension("wasm")).with_context(|| {
                format!("{}: no plugin '{name}': run `make plugins`", file.display())
            })?;
        }
        Ok(())
    }

    fn file_of(&self, plugin: &str) -> PathBuf {
        self.plugin_dir.join(format!("{plugin}.wasm"))
    }

    /// The share of all six-digit ids that each of so many servers gets by a hash function.
    pub(crate) fn shares(&self, plugin: &str, servers: u32) -> Result<Vec<f64>> {
        Ok(shares(&self.hash(plugin)?, servers)?)
    }

    /// Which of so many servers owns each slot in the paper's layout, by a hash function.
    pub(crate) fn owners(&self, plugin: &str, servers: u32) -> Result<Vec<Option<usize>>> {
        Ok(owners(&self.hash(plugin)?, servers)?)
    }

    fn hash(&self, name: &str) -> Result<HashPlugin> {
        let patient = Settings { work_deadline: Duration::from_secs(10), ..Settings::default() };
        let gathered = gather(&Runtime::new(patient)?, &[self.file_of(name)]);
        let left = gathered.left_out.first().map_or_else(String::new, |left| left.reason.clone());
        let subject = gathered.subjects.into_iter().next();
        Ok(subject.with_context(|| format!("plugin '{name}': {left}"))?.plugin)
    }

    /// A generator of its own for each use; the same in each run.
    pub(crate) fn random(&self, stream: u64) -> ChaCha8Rng {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(stream);
        random
    }

    /// A load of as many requests as a run has, not begun.
    pub(crate) fn plan(
        &self,
        address: &str,
        call: impl Fn(usize) -> Call + Send + Sync + 'static,
    ) -> Plan {
        Plan {
            address: address.to_owned(),
            connections: self.scope.connections,
            most: self.scope.requests,
            pace: None,
            bar: self.bar.clone(),
            call: Box::new(call),
        }
    }

    /// Sends all of a plan.
    pub(crate) async fn send(&self, name: &str, plan: Plan) -> Result<Run> {
        self.bar.set_message(name.to_owned());
        let samples = Load::start(plan).await?.finish().await?;
        Ok(Run { name: name.to_owned(), samples })
    }
}

/// A request of the test bed as a load sends it.
pub(crate) fn call((method, path, body): Ask) -> Call {
    Call { head: Request::builder().method(method).uri(path), body, wants: None }
}

/// A read of a row that is there: an answer without it is none.
pub(crate) fn look_up(key: u64) -> Call {
    Call { wants: Some(key), ..call(read(key)) }
}

/// `GET /home` with this request id.
pub(crate) fn home(id: u64) -> Call {
    let head = Request::builder().method(Method::GET).uri("/home").header("x-request-id", id);
    Call { head, body: String::new(), wants: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_has_too_much_to_do_is_warned_of() {
        assert_eq!(overload(2.0, 2), None);
        let told = overload(6.8, 2);
        assert!(told.is_some_and(|told| {
            told.contains("6.8 processes waiting or running before this began, more than 2")
        }));
    }
}
