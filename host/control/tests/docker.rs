//! Servers as containers, on a real engine. `make test-docker` builds the image this wants, and
//! runs it.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ringwright_control::{Control, ControlError, DockerControl, DockerSettings, EngineError};
use tokio::net::TcpStream;
use tokio::time::timeout;

const IMAGE: &str = "ringwright/server:test";

/// Longest wait for news; only a fault takes so long.
const PATIENCE: Duration = Duration::from_secs(120);

fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A deployment of its own, gone when this is dropped.
struct Place {
    deployment: String,
    settings: DockerSettings,
}

impl Place {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        let deployment = format!("rw-control-{}-{count}", std::process::id());
        docker(&["network", "create", "--internal", &deployment]);
        let settings = DockerSettings {
            engine: "unix:///var/run/docker.sock".into(),
            deployment: deployment.clone(),
            image: IMAGE.into(),
            network: deployment.clone(),
            memory: Some(512 << 20),
            cpus: Some(1.5),
            environment: Vec::new(),
            secret_file: None,
            start_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(12),
        };
        Place { deployment, settings }
    }

    async fn control(&self) -> DockerControl {
        DockerControl::connect(self.settings.clone()).await.unwrap()
    }

    fn filter(&self) -> String {
        format!("label=ringwright.deployment={}", self.deployment)
    }

    fn containers(&self) -> Vec<String> {
        let ids = docker(&["ps", "--all", "--quiet", "--no-trunc", "--filter", &self.filter()]);
        ids.split_whitespace().map(str::to_owned).collect()
    }

    fn volumes(&self) -> Vec<String> {
        let names = docker(&["volume", "ls", "--quiet", "--filter", &self.filter()]);
        names.split_whitespace().map(str::to_owned).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for id in self.containers() {
            docker(&["rm", "--force", &id]);
        }
        for volume in self.volumes() {
            docker(&["volume", "rm", &volume]);
        }
        docker(&["network", "rm", &self.deployment]);
    }
}

async fn listens(address: &str) -> bool {
    matches!(timeout(PATIENCE, TcpStream::connect(address)).await, Ok(Ok(_)))
}

fn incarnation(container: &str) -> String {
    let database = "/var/lib/ringwright/postgres";
    let query = "SELECT incarnation FROM server_state";
    let psql = format!(
        "psql --host $(dirname $(find {database} /tmp -name '.s.PGSQL.*' 2>/dev/null | head -1)) \
         --dbname ringwright --tuples-only --command '{query}'"
    );
    docker(&["exec", container, "sh", "-c", &psql])
}

#[tokio::test]
#[ignore = "wants a Docker engine and the images: make test-docker"]
async fn a_server_lives_on_and_is_found_again() {
    let place = Place::new();
    let control = place.control().await;
    let created = control.create("S1").await.unwrap();
    assert_eq!(created.name, "S1");
    assert!(listens(&created.address).await);
    let database = incarnation(&created.handle);
    drop(control);

    let control = place.control().await;
    assert_eq!(control.list().await.unwrap(), std::slice::from_ref(&created));
    assert_eq!(control.start("S1").await.unwrap(), created, "it is taken over");
    assert_eq!(docker(&["port", &created.handle]), "", "nothing is published");
    let limits = "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}";
    let limits = docker(&["inspect", "--format", limits, &created.handle]);
    assert_eq!(limits, format!("{} {}", 512 << 20, 1_500_000_000));

    control.stop("S1").await.unwrap();
    assert_eq!((place.containers().len(), place.volumes().len()), (0, 1));
    let again = control.start("S1").await.unwrap();
    assert_ne!(again.handle, created.handle);
    assert_eq!(incarnation(&again.handle), database, "on the volume it had");

    control.remove("S1").await.unwrap();
    assert_eq!((place.containers().len(), place.volumes().len()), (0, 0));
    control.remove("S1").await.unwrap();
}

#[tokio::test]
#[ignore = "wants a Docker engine and the images: make test-docker"]
async fn a_death_is_news_unless_it_was_asked_for() {
    let place = Place::new();
    let control = place.control().await;
    let mut deaths = control.deaths();
    control.create("S1").await.unwrap();
    let other = control.create("S2").await.unwrap();
    control.kill("S1").await.unwrap();
    docker(&["kill", &other.handle]);
    assert_eq!(timeout(PATIENCE, deaths.recv()).await.unwrap().unwrap(), other);
    assert!(deaths.try_recv().is_err(), "the other one was asked for");

    let back = control.start("S2").await.unwrap();
    docker(&["pause", &back.handle]);
    control.kill("S2").await.unwrap();
    assert!(place.containers().is_empty(), "one that hangs is ended too");
}

#[tokio::test]
#[ignore = "wants a Docker engine and the images: make test-docker"]
async fn a_new_server_gets_no_old_data_and_puts_it_aside() {
    let place = Place::new();
    let control = place.control().await;
    let old = control.create("S1").await.unwrap();
    let database = incarnation(&old.handle);
    let new = control.create("S1").await.unwrap();
    assert_ne!(incarnation(&new.handle), database);
    assert_eq!(place.volumes().len(), 2, "nothing was deleted");
    let now = incarnation(&new.handle);
    control.stop("S1").await.unwrap();
    let back = control.start("S1").await.unwrap();
    assert_eq!(incarnation(&back.handle), now, "the newest volume is the server's");
}

#[tokio::test]
#[ignore = "wants a Docker engine and the images: make test-docker"]
async fn what_is_not_ours_is_left_alone() {
    let place = Place::new();
    let control = place.control().await;
    let name = format!("{}-S1", place.deployment);
    let foreign = docker(&["create", "--name", &name, IMAGE]);
    let refused = control.create("S1").await.unwrap_err();
    assert!(matches!(&refused, ControlError::Foreign(taken) if *taken == name), "{refused}");
    assert!(control.start("S1").await.is_err());
    control.remove("S1").await.unwrap();
    assert_eq!(control.list().await.unwrap(), []);
    docker(&["rm", &foreign]);
    assert_eq!(place.volumes().len(), 0, "what did not start leaves nothing");
}

// With a thread for what is left to the runtime: to ask `docker` takes the test's own.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "wants a Docker engine and the images: make test-docker"]
async fn a_start_that_is_given_up_leaves_nothing_that_runs() {
    let place = Place::new();
    let control = place.control().await;
    let seen = async {
        while place.containers().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        _ = control.create("S1") => panic!("it must not be up so soon"),
        () = seen => {}
    }
    let gone = async {
        while !place.containers().is_empty() || !place.volumes().is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, gone).await.unwrap();
}

#[tokio::test]
#[ignore = "wants a Docker engine and the images: make test-docker"]
async fn a_server_that_cannot_start_says_why() {
    let mut place = Place::new();
    place.settings.environment = vec![("RINGWRIGHT_PORT".into(), "none".into())];
    let control = place.control().await;
    let refused = control.create("S1").await.unwrap_err();
    let ControlError::Exited { log, .. } = &refused else { panic!("{refused}") };
    assert!(log.contains("none"), "{log}");
    assert_eq!(place.volumes().len(), 0);
}

#[tokio::test]
#[ignore = "wants a Docker engine and the images: make test-docker"]
async fn a_successors_server_is_not_removed() {
    let place = Place::new();
    let (deposed, successor) = (place.control().await, place.control().await);
    deposed.create("S1").await.unwrap();
    let new = successor.create("S1").await.unwrap();
    let refused = deposed.remove("S1").await.unwrap_err();
    assert!(matches!(refused, ControlError::Anothers(_)), "{refused}");
    assert_eq!(successor.list().await.unwrap(), [new]);
    assert_eq!(place.volumes().len(), 2);
}

#[tokio::test]
#[ignore = "wants a Docker engine and the images: make test-docker"]
async fn what_is_missing_is_named_at_once() {
    let place = Place::new();
    let connect = async |settings| DockerControl::connect(settings).await.err().unwrap();

    let settings = DockerSettings { image: "ringwright/none".into(), ..place.settings.clone() };
    let error = connect(settings).await;
    assert!(matches!(error, EngineError::Image(_)) && error.to_string().contains("make images"));

    let settings = DockerSettings { network: "ringwright-none".into(), ..place.settings.clone() };
    assert!(connect(settings).await.to_string().contains("docker network create"));

    let engine = "unix:///nowhere/docker.sock".to_owned();
    let error = connect(DockerSettings { engine, ..place.settings.clone() }).await;
    assert!(error.to_string().contains("/nowhere/docker.sock"), "{error}");
}
