//! The deployment as `make up` makes it: a balancer, servers each with a Postgres of its
//! own, and the metadata in another, each in a container.
//!
//! What is asked, is asked at the balancer's container itself: the port that an engine publishes
//! on this machine goes through a proxy, which would be measured too.

use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::docker::{address, docker, pid, run};
use crate::status::{events, since};
use crate::{Setup, Signal};

/// A deployment of its own, gone with its data when this is dropped.
pub struct Deployment {
    /// Where the balancer listens: host and port.
    pub address: String,
    name: String,
    /// The balancer's container. It may end and start again, and stays this one.
    balancer: String,
    _running: Running,
}

/// Where a deployment goes. Whatever has that name is deleted with its data: it is never the name
/// that the environment gives to somebody's own.
pub struct Place {
    /// Its name.
    pub name: &'static str,
    /// What it publishes.
    pub publish: &'static str,
    /// The tag of its images, unless `TAG` says otherwise.
    pub tag: &'static str,
}

impl Deployment {
    /// Starts it, in the repository's folder.
    ///
    /// # Errors
    /// What is missing, or what the engine says.
    pub fn start(data: &Path, place: &Place, setup: &Setup) -> Result<Self> {
        let name = place.name.to_owned();
        let tag = std::env::var("TAG").unwrap_or_else(|_| place.tag.to_owned());
        let variables = vec![
            ("RINGWRIGHT_DEPLOYMENT", name.clone()),
            ("RINGWRIGHT_PUBLISH", place.publish.to_owned()),
            ("RINGWRIGHT_LOG_FORMAT", "json".to_owned()),
            ("TAG", tag),
            ("COMPOSE_FILE", format!("docker-compose.yml:{}", compose(data, setup)?)),
        ];
        deploy("down-all", &variables)?;
        // Before it is up: what fails half-way is ended too.
        let running = Running(variables);
        deploy("up", &running.0)?;
        let network = format!("{name}_public");
        let balancer = service(&name, "balancer")?;
        let address = format!("{}:5000", address(&balancer, &network)?);
        Ok(Deployment { address, name, balancer, _running: running })
    }

    /// The name of a server's container.
    pub fn server(&self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    /// A server's volumes.
    ///
    /// # Errors
    /// What the engine says.
    pub fn volumes(&self, server: &str) -> Result<Vec<String>> {
        let ours = format!("label=ringwright.deployment={}", self.name);
        let server = format!("label=ringwright.server={server}");
        let names = docker(&["volume", "ls", "--quiet", "--filter", &ours, "--filter", &server])?;
        Ok(names.split_whitespace().map(str::to_owned).collect())
    }

    /// What the balancer has logged, an event each.
    ///
    /// # Errors
    /// Where there is no balancer.
    pub fn log(&self) -> Result<Vec<Value>> {
        self.logged(None)
    }

    /// What it has logged since then: the engine reads no more of the log than that.
    pub(crate) fn log_since(&self, then: SystemTime) -> Result<Vec<Value>> {
        Ok(since(self.logged(Some(then))?, then))
    }

    fn logged(&self, then: Option<SystemTime>) -> Result<Vec<Value>> {
        let output = Command::new("docker").args(logs(&self.balancer, then)).output()?;
        Ok(events(&String::from_utf8_lossy(&output.stderr)))
    }

    pub(crate) fn token(&self) -> Result<String> {
        let file = Path::new("docker/secrets").join(&self.name).join("token");
        std::fs::read_to_string(&file).with_context(|| file.display().to_string())
    }

    pub(crate) fn secret(&self) -> Result<String> {
        docker(&["exec", &self.balancer, "cat", "/var/lib/ringwright/secret"])
    }

    pub(crate) fn signal(&self, server: &str, what: Signal) -> Result<()> {
        let verb = match what {
            Signal::Kill => "kill",
            Signal::Stop => "pause",
            Signal::Continue => "unpause",
        };
        docker(&[verb, &self.server(server)]).map(drop)
    }

    pub(crate) fn server_address(&self, server: &str) -> Result<String> {
        let network = format!("{}-servers", self.name);
        Ok(format!("{}:5000", address(&self.server(server), &network)?))
    }

    /// The first process of each container, and whose it is; there are three servers.
    ///
    /// # Errors
    /// Where one does not run.
    pub fn processes(&self) -> Result<Vec<(u32, &'static str)>> {
        let mut all = vec![
            (pid(&self.balancer)?, "the balancer"),
            (pid(&service(&self.name, "metadata")?)?, "the metadata"),
        ];
        for server in ["Server0", "Server1", "Server2"] {
            all.push((pid(&self.server(server))?, "the shard servers"));
        }
        Ok(all)
    }
}

/// What was started, under these variables; ended when it is dropped.
struct Running(Vec<(&'static str, String)>);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = deploy("down-all", &self.0);
    }
}

/// Writes what is added to the compose file, with the cluster and the settings; answers its path.
fn compose(data: &Path, setup: &Setup) -> Result<String> {
    let inside = "/etc/ringwright/first.json";
    let init = setup.write(data)?;
    let mut environment: Map<String, Value> =
        setup.settings.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    // Null takes the variable away, which an empty text would not.
    environment.insert("RINGWRIGHT_INIT".to_owned(), json!(init.as_ref().map(|_| inside)));
    let volumes = init.map(|file| format!("{}:{inside}:ro", file.display()));
    let balancer =
        json!({"environment": environment, "volumes": volumes.into_iter().collect::<Vec<_>>()});
    let file = data.canonicalize()?.join("compose.yml");
    std::fs::write(&file, json!({"services": {"balancer": balancer}}).to_string())?;
    Ok(file.display().to_string())
}

fn deploy(what: &str, variables: &[(&'static str, String)]) -> Result<()> {
    let mut command = Command::new("sh");
    command.args(["docker/deploy.sh", what]).env_remove("RINGWRIGHT_INIT");
    command.envs(variables.iter().cloned());
    run(&mut command).map(|_| ()).with_context(|| format!("the deployment: {what}"))
}

/// The arguments that have the engine print a container's log, of late where that is enough.
fn logs(container: &str, then: Option<SystemTime>) -> Vec<String> {
    let since = then.map(|then| format!("--since={}", humantime::format_rfc3339_nanos(then)));
    ["logs".to_owned()].into_iter().chain(since).chain([container.to_owned()]).collect()
}

/// The container of one of the compose file's services.
fn service(name: &str, service: &str) -> Result<String> {
    let service = format!("label=com.docker.compose.service={service}");
    let project = format!("label=com.docker.compose.project={name}");
    docker(&["ps", "--quiet", "--filter", &project, "--filter", &service])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn no_more_of_a_log_is_read_than_is_wanted() {
        let then = SystemTime::UNIX_EPOCH + Duration::from_millis(1_500);
        assert_eq!(logs("b", Some(then)), ["logs", "--since=1970-01-01T00:00:01.500000000Z", "b"]);
        assert_eq!(logs("b", None), ["logs", "b"]);
    }
}
