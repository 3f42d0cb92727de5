//! A deployment, and what is done to it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
pub use ringwright_testbed::docker as docker_maybe;
use ringwright_testbed::run;
use serde_json::Value;

use crate::program::{Client, PATIENCE, text, until};

const NAME: &str = "ringwright-test";
const PUBLISHED: &str = "127.0.0.1:5057";

/// Longest wait for an answer. One that is asked for as the balancer is killed may never come: the
/// client has no connection any more, and does not say so.
const ANSWER: Duration = Duration::from_secs(20);

/// A deployment of its own, gone with its data when this is dropped.
pub struct Deployment {
    pub http: Client,
}

/// The folder of the whole repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// `docker` with these arguments, which must work; what it printed.
pub fn docker(args: &[&str]) -> String {
    docker_maybe(args).unwrap()
}

fn deploy(what: &str) {
    run(&mut deploying(what)).unwrap();
}

fn deploying(what: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .arg(repository().join("docker/deploy.sh"))
        .arg(what)
        .env("RINGWRIGHT_DEPLOYMENT", NAME)
        .env("RINGWRIGHT_PUBLISH", PUBLISHED)
        .env("RINGWRIGHT_LOG_FORMAT", "json")
        .env("TAG", "test");
    command
}

impl Deployment {
    /// `make up`, on no data.
    pub fn start() -> Self {
        deploy("down-all");
        let mut http = Client::new(format!("http://{PUBLISHED}"));
        http.limit = ANSWER;
        let deployment = Deployment { http };
        deploy("up");
        deployment
    }

    /// A client that may change the cluster, and waits until that is done.
    pub fn operator(&self) -> Client {
        let mut client = self.http.clone().with_token(&token());
        client.limit = PATIENCE;
        client
    }

    /// `make up` again.
    pub fn up(&self) {
        deploy("up");
    }

    /// The name of a server's container.
    pub fn server(&self, name: &str) -> String {
        format!("{NAME}-{name}")
    }

    /// The id of the container that runs or ran for one of the compose file's services.
    pub fn service(&self, service: &str) -> String {
        let service = format!("label=com.docker.compose.service={service}");
        let project = format!("label=com.docker.compose.project={NAME}");
        docker(&["ps", "--all", "--quiet", "--filter", &project, "--filter", &service])
    }

    /// All containers, of servers and services.
    pub fn containers(&self) -> Vec<String> {
        let ours = format!("label=ringwright.deployment={NAME}");
        let ids = docker(&["ps", "--all", "--quiet", "--filter", &ours]);
        ids.split_whitespace().map(str::to_owned).collect()
    }

    pub fn network(&self) -> String {
        format!("{NAME}-servers")
    }

    /// Where a server listens, where it runs.
    pub fn address(&self, name: &str) -> Result<String> {
        let network = self.network();
        let format = format!("{{{{(index .NetworkSettings.Networks \"{network}\").IPAddress}}}}");
        let address = docker_maybe(&["inspect", "--format", &format, &self.server(name)])?;
        Ok(format!("{address}:5000"))
    }

    /// A volume for a server that is as small as can be filled, newer than the one it has. It is
    /// in memory: gone with its container.
    pub fn small_volume(&self, server: &str, size: &str) -> String {
        let made = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let name = format!("{NAME}-{server}-{made:x}");
        let options = format!("o=size={size},uid=10001,gid=10001,mode=0700");
        let labels = [
            format!("ringwright.deployment={NAME}"),
            format!("ringwright.server={server}"),
            format!("ringwright.made={made}"),
        ];
        let mut args = vec!["volume", "create"];
        labels.iter().for_each(|label| args.extend(["--label", label.as_str()]));
        args.extend(["--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", &options, &name]);
        docker(&args)
    }

    /// Has a server lose its container, and these volumes of its: one that it was given meanwhile
    /// is in use for a moment.
    pub async fn lose(&self, server: &str, volumes: &[String]) {
        until("the volumes are gone", async || {
            let _ = docker_maybe(&["rm", "--force", &self.server(server)]);
            for volume in volumes {
                let _ = docker_maybe(&["volume", "rm", volume]);
            }
            let left = self.volumes(server);
            (!volumes.iter().any(|volume| left.contains(volume))).then_some(())
        })
        .await;
    }

    /// A server's volumes.
    pub fn volumes(&self, server: &str) -> Vec<String> {
        let ours = format!("label=ringwright.deployment={NAME}");
        let server = format!("label=ringwright.server={server}");
        let names = docker(&["volume", "ls", "--quiet", "--filter", &ours, "--filter", &server]);
        names.split_whitespace().map(str::to_owned).collect()
    }

    /// What the balancer has logged, an event each.
    pub fn log(&self) -> Vec<Value> {
        let mut command = Command::new("docker");
        command.args(["logs", &self.service("balancer")]);
        let output = command.output().unwrap();
        let lines = format!("{}{}", text(&output.stdout), text(&output.stderr));
        lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    pub async fn status(&self) -> Value {
        until("the balancer answers", async || match self.http.get("/status").await {
            Ok((200, status)) => Some(status["message"].clone()),
            _ => None,
        })
        .await
    }

    /// Waits until every server lives and every replica is in sync.
    pub async fn all_in_sync(&self) {
        // What has just been done to a server is not known at once.
        tokio::time::sleep(Duration::from_millis(300)).await;
        until("all replicas are in sync", async || {
            let status = self.status().await;
            let replicas = status["replicas"].as_array().unwrap();
            let live = status["server_states"].as_object().unwrap().values().all(|s| s == "live");
            (live && replicas.iter().all(|r| r["state"] == "in_sync")).then_some(())
        })
        .await;
    }

    /// The secret its servers know the balancer by.
    pub fn secret(&self) -> String {
        docker(&["exec", &self.service("balancer"), "cat", "/var/lib/ringwright/secret"])
    }
}

/// What changes the cluster wants it.
fn token() -> String {
    std::fs::read_to_string(repository().join("docker/secrets").join(NAME).join("token")).unwrap()
}

impl Drop for Deployment {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Nothing here may panic again: whatever can still be told, is.
            let show =
                "balancer=$(docker ps --all --quiet --filter label=ringwright.deployment=$0 \
                --filter label=com.docker.compose.service=balancer)
                docker exec $balancer ringwright status; docker logs --tail 60 $balancer";
            let _ = Command::new("sh").args(["-c", show, NAME]).status();
            let _ = deploying("down-all").status();
            return;
        }
        deploy("down-all");
    }
}
