//! The servers' containers.

use std::collections::HashMap;

use bollard::body_full;
use bollard::models::{
    ContainerCreateBody, ContainerState, ContainerSummary, ContainerSummaryStateEnum, HostConfig,
    HostConfigLogConfig, Mount, MountType, MountVolumeOptions,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder,
    LogsOptionsBuilder, RemoveContainerOptionsBuilder, StopContainerOptionsBuilder,
    UploadToContainerOptionsBuilder,
};
use futures::StreamExt;
use tokio::time::{Instant, sleep};

use super::engine::{Engine, asked, is_conflict, is_missing, unless_gone};
use super::ready::POLL;
use super::short;
use crate::error::at;
use crate::{ControlError, Instance};

/// The label that says which deployment something belongs to.
pub(super) const DEPLOYMENT: &str = "ringwright.deployment";

/// The label that says which server something is of.
pub(super) const SERVER: &str = "ringwright.server";

/// The port servers listen on; each has an address of its own.
const PORT: u16 = 5000;

/// Where the image keeps the data; it belongs to the image's user there.
const DATA: &str = "/var/lib/ringwright";

/// Where a server finds what it knows its balancer by.
const SECRET_FOLDER: &str = "/etc/ringwright";
const SECRET: &str = "secret";

/// The image's user.
const USER: u64 = 10_001;

/// What Postgres shares between its processes lies there; the engine's default is too small.
const SHARED_MEMORY: i64 = 256 << 20;

/// The last lines of a log that are told.
const TAIL_LINES: &str = "10";

/// A container of ours.
pub(super) struct Container {
    pub(super) id: String,
    name: String,
    runs: bool,
    addresses: HashMap<String, String>,
}

impl Container {
    fn of(found: ContainerSummary) -> Option<Self> {
        let networks = found.network_settings.and_then(|s| s.networks).unwrap_or_default();
        let address = |(network, end): (String, bollard::models::EndpointSettings)| {
            Some((network, end.ip_address.filter(|ip| !ip.is_empty())?))
        };
        Some(Container {
            id: found.id?,
            name: found.labels?.remove(SERVER)?,
            runs: found.state == Some(ContainerSummaryStateEnum::RUNNING),
            addresses: networks.into_iter().filter_map(address).collect(),
        })
    }

    /// The server in it, where it runs and can be reached on the network.
    pub(super) fn instance(&self, network: &str) -> Option<Instance> {
        let address = self.addresses.get(network).filter(|_| self.runs)?;
        Some(Instance {
            name: self.name.clone(),
            address: format!("{address}:{PORT}"),
            handle: self.id.clone(),
        })
    }
}

impl Engine {
    /// All containers of the deployment, whatever state they are in.
    pub(super) async fn containers(&self) -> Result<Vec<Container>, ControlError> {
        self.find(vec![self.label()]).await
    }

    /// Those of one server.
    pub(super) async fn containers_of(&self, name: &str) -> Result<Vec<Container>, ControlError> {
        self.find(vec![self.label(), format!("{SERVER}={name}")]).await
    }

    async fn find(&self, labels: Vec<String>) -> Result<Vec<Container>, ControlError> {
        let filters = HashMap::from([("label", labels)]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let found = self.docker.list_containers(Some(options)).await;
        let found = found.map_err(asked("the deployment's containers"))?;
        Ok(found.into_iter().filter_map(Container::of).collect())
    }

    /// The label of everything in the deployment.
    pub(super) fn label(&self) -> String {
        format!("{DEPLOYMENT}={}", self.settings.deployment)
    }

    /// The labels of what belongs to a server.
    pub(super) fn labels(&self, name: &str) -> HashMap<String, String> {
        [(DEPLOYMENT, self.settings.deployment.as_str()), (SERVER, name)]
            .map(|(label, value)| (label.to_owned(), value.to_owned()))
            .into()
    }

    /// Makes a server's container on a volume; it does not run yet.
    pub(super) async fn create_container(
        &self,
        name: &str,
        volume: &str,
    ) -> Result<String, ControlError> {
        let container = format!("{}-{name}", self.settings.deployment);
        let options = CreateContainerOptionsBuilder::new().name(&container).build();
        let created = self.docker.create_container(Some(options), self.body(name, volume)).await;
        let id = match created {
            Ok(created) => created.id,
            // Ours of that name have been removed: this one is somebody else's.
            Err(error) if is_conflict(&error) => return Err(ControlError::Foreign(container)),
            Err(error) => return Err(asked(format!("container {container}"))(error)),
        };
        if let Err(error) = self.bring_secret(&id).await {
            self.remove_container(&id).await?;
            return Err(error);
        }
        Ok(id)
    }

    fn body(&self, name: &str, volume: &str) -> ContainerCreateBody {
        let settings = &self.settings;
        let mut environment: Vec<String> =
            settings.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        environment.push(format!("RINGWRIGHT_NAME={name}"));
        if settings.secret_file.is_some() {
            environment.push(format!("RINGWRIGHT_SECRET_FILE={SECRET_FOLDER}/{SECRET}"));
        }
        let stop_timeout = i64::try_from(settings.stop_timeout.as_secs()).ok();
        ContainerCreateBody {
            image: Some(settings.image.clone()),
            env: Some(environment),
            labels: Some(self.labels(name)),
            stop_timeout,
            host_config: Some(self.host_config(name, volume)),
            ..Default::default()
        }
    }

    /// No more rights than a program of its own data needs, and no more room than it is given.
    fn host_config(&self, name: &str, volume: &str) -> HostConfig {
        let settings = &self.settings;
        let log = [("max-size", "10m"), ("max-file", "3")];
        #[expect(clippy::cast_possible_truncation, reason = "a number of processors is small")]
        let nano_cpus = settings.cpus.map(|cpus| (cpus * 1e9) as i64);
        HostConfig {
            network_mode: Some(settings.network.clone()),
            mounts: Some(vec![Mount {
                target: Some(DATA.to_owned()),
                source: Some(volume.to_owned()),
                typ: Some(MountType::VOLUME),
                // Where it has just been removed the engine makes it anew, to be found again.
                volume_options: Some(MountVolumeOptions {
                    labels: Some(self.volume_labels(name, volume)),
                    ..Default::default()
                }),
                ..Default::default()
            }]),
            memory: settings.memory.and_then(|bytes| i64::try_from(bytes).ok()),
            nano_cpus,
            shm_size: Some(SHARED_MEMORY),
            cap_drop: Some(vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            log_config: Some(HostConfigLogConfig {
                typ: Some("json-file".to_owned()),
                config: Some(log.map(|(k, v)| (k.to_owned(), v.to_owned())).into()),
            }),
            ..Default::default()
        }
    }

    /// Puts the secret where the server looks for it.
    async fn bring_secret(&self, id: &str) -> Result<(), ControlError> {
        let Some(file) = &self.settings.secret_file else { return Ok(()) };
        let secret = tokio::fs::read(file).await.map_err(at(file))?;
        let archive = archive(SECRET, &secret)
            .map_err(|error| ControlError::system("the secret's archive", error))?;
        let options = UploadToContainerOptionsBuilder::new().path(SECRET_FOLDER).build();
        self.docker
            .upload_to_container(id, Some(options), body_full(archive.into()))
            .await
            .map_err(asked(format!("the secret of container {}", short(id))))
    }

    /// Starts a container.
    pub(super) async fn start_container(&self, id: &str) -> Result<(), ControlError> {
        let started = self.docker.start_container(id, None).await;
        started.map_err(asked(format!("container {}", short(id))))
    }

    /// The server in a container that has just been started.
    pub(super) async fn instance(&self, name: &str, id: &str) -> Result<Instance, ControlError> {
        let found = self.containers_of(name).await?.into_iter().find(|c| c.id == id);
        match found.and_then(|c| c.instance(&self.settings.network)) {
            Some(instance) => Ok(instance),
            None => Err(self.exited(name, id).await),
        }
    }

    /// Stops a container, politely and then by force.
    pub(super) async fn stop_container(&self, id: &str) -> Result<(), ControlError> {
        let seconds = i32::try_from(self.settings.stop_timeout.as_secs()).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::new().t(seconds).build();
        let stopped = self.docker.stop_container(id, Some(options)).await;
        unless_gone(stopped).map_err(asked(format!("container {}", short(id))))
    }

    /// Ends a container by force and removes it; its volume stays.
    pub(super) async fn remove_container(&self, id: &str) -> Result<(), ControlError> {
        let options = RemoveContainerOptionsBuilder::new().force(true).build();
        match self.docker.remove_container(id, Some(options)).await {
            // Somebody else is at it already.
            Err(error) if is_conflict(&error) => self.gone(id).await,
            removed => unless_gone(removed).map_err(asked(format!("container {}", short(id)))),
        }
    }

    /// Waits until a container that is being removed is gone: its name is taken until then.
    async fn gone(&self, id: &str) -> Result<(), ControlError> {
        let deadline = Instant::now() + self.settings.stop_timeout;
        while self.state(id).await?.is_some() {
            if Instant::now() >= deadline {
                return Err(ControlError::Stuck(short(id).to_owned()));
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Whether a container runs; one that is gone does not.
    pub(super) async fn runs(&self, id: &str) -> Result<bool, ControlError> {
        Ok(self.state(id).await?.is_some_and(|state| state.running == Some(true)))
    }

    /// The state of a container, where there is one.
    async fn state(&self, id: &str) -> Result<Option<ContainerState>, ControlError> {
        match self.docker.inspect_container(id, None::<InspectContainerOptions>).await {
            Ok(found) => Ok(Some(found.state.unwrap_or_default())),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(asked(format!("container {}", short(id)))(error)),
        }
    }

    /// How a container ended, in the engine's words; best effort.
    pub(super) async fn status(&self, id: &str) -> String {
        let Ok(Some(state)) = self.state(id).await else {
            return "its container is gone".to_owned();
        };
        let code = state.exit_code.unwrap_or_default();
        let oom = if state.oom_killed == Some(true) { ", out of memory" } else { "" };
        let error =
            state.error.filter(|e| !e.is_empty()).map_or(String::new(), |e| format!(", {e}"));
        format!("exit code {code}{oom}{error}")
    }

    /// The last lines a container wrote; best effort.
    pub(super) async fn log_tail(&self, id: &str) -> String {
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail(TAIL_LINES).build();
        let mut log = self.docker.logs(id, Some(options));
        let mut text = String::new();
        while let Some(Ok(part)) = log.next().await {
            text.push_str(&String::from_utf8_lossy(&part.into_bytes()));
        }
        text.trim_end().to_owned()
    }

    /// A server that ended before it listened.
    pub(super) async fn exited(&self, name: &str, id: &str) -> ControlError {
        let (status, log) = (self.status(id).await, self.log_tail(id).await);
        ControlError::Exited { name: name.to_owned(), status, log }
    }
}

/// A file that only the image's user may read, as the engine takes it.
fn archive(name: &str, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o400);
    header.set_uid(USER);
    header.set_gid(USER);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, name, bytes)?;
    archive.into_inner()
}
