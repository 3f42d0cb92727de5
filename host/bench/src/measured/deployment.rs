//! The deployment as `make up` makes it: a balancer, three servers each with a Postgres of its
//! own, and the metadata in another, each in a container.
//!
//! What is asked, is asked at the balancer's container itself: the port that an engine publishes
//! on this machine goes through a proxy, which would be measured too.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Connection;
use super::docker::{address, docker, pid, run};
use super::front::Front;

/// A deployment of its own, gone with its data when this is dropped.
pub struct Deployment {
    pub front: Front,
    pub name: String,
    _running: Running,
}

/// A setting of the deployment.
pub fn setting(variable: &str, else_: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| else_.to_owned())
}

impl Deployment {
    /// Starts it with a cluster of that many keys a shard, and fills it with rows.
    pub async fn start(data: &Path, hash: &str, size: u64, rows: u64) -> Result<Self> {
        let name = setting("RINGWRIGHT_DEPLOYMENT", "ringwright-bench");
        std::fs::create_dir_all(data)?;
        let (cluster, compose) = (data.join("cluster.json"), data.join("compose.yml"));
        std::fs::write(&cluster, Front::cluster(size).to_string())?;
        let inside = "/etc/ringwright/bench.json";
        let balancer = json!({
            "environment": {"RINGWRIGHT_INIT": inside, "RINGWRIGHT_HASH": hash},
            "volumes": [format!("{}:{inside}:ro", cluster.display())],
        });
        let services = json!({"services": {"balancer": balancer}});
        std::fs::write(&compose, services.to_string())?;
        let variables = vec![
            ("RINGWRIGHT_DEPLOYMENT", name.clone()),
            ("RINGWRIGHT_PUBLISH", setting("RINGWRIGHT_PUBLISH", "127.0.0.1:5067")),
            ("RINGWRIGHT_LOG_FORMAT", "json".to_owned()),
            ("TAG", setting("TAG", "bench")),
            ("COMPOSE_FILE", format!("docker-compose.yml:{}", compose.display())),
        ];
        deploy("down-all", &variables)?;
        // Before it is up: what fails half-way is ended too.
        let running = Running(variables);
        deploy("up", &running.0)?;
        let network = format!("{name}_public");
        let balancer = address(&service(&name, "balancer")?, &network)?;
        let front = Front::fill(format!("{balancer}:5000"), size, rows).await?;
        Ok(Deployment { front, name, _running: running })
    }

    /// The name of a server's container.
    pub fn server(&self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    /// A server's volumes.
    pub fn volumes(&self, server: &str) -> Result<Vec<String>> {
        let ours = format!("label=ringwright.deployment={}", self.name);
        let server = format!("label=ringwright.server={server}");
        let names = docker(&["volume", "ls", "--quiet", "--filter", &ours, "--filter", &server])?;
        Ok(names.split_whitespace().map(str::to_owned).collect())
    }

    /// What the balancer has logged, an event each.
    pub fn log(&self) -> Result<Vec<Value>> {
        let mut command = Command::new("docker");
        let output = command.args(["logs", &service(&self.name, "balancer")?]).output()?;
        let lines = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// What `/status` tells.
    pub async fn status(&self) -> Result<Value> {
        let mut connection = Connection::open(&self.front.address).await?;
        let answer = connection.get("/status").await?;
        Ok(serde_json::from_slice::<Value>(&answer)?["message"].take())
    }

    /// The first process of each container, and whose it is.
    pub fn processes(&self) -> Result<Vec<(u32, &'static str)>> {
        let mut all = vec![
            (pid(&service(&self.name, "balancer")?)?, "the balancer"),
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

fn deploy(what: &str, variables: &[(&'static str, String)]) -> Result<()> {
    let mut command = Command::new("sh");
    command.args(["docker/deploy.sh", what]).envs(variables.iter().cloned());
    run(&mut command).map(|_| ()).with_context(|| format!("the deployment: {what}"))
}

/// The container of one of the compose file's services.
fn service(name: &str, service: &str) -> Result<String> {
    let service = format!("label=com.docker.compose.service={service}");
    let project = format!("label=com.docker.compose.project={name}");
    docker(&["ps", "--quiet", "--filter", &project, "--filter", &service])
}
