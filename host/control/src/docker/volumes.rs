//! The servers' volumes. A server's is the newest of those labelled as its: volumes cannot be
//! renamed, so that one is put aside by making another.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use bollard::models::{Volume, VolumeCreateRequest};
use bollard::query_parameters::{ListVolumesOptionsBuilder, RemoveVolumeOptions};

use super::containers::SERVER;
use super::engine::{Engine, asked, unless_gone};
use crate::ControlError;

/// The label that says when a volume was made, in nanoseconds since 1970.
const MADE: &str = "ringwright.made";

impl Engine {
    /// The volume of a server, where it has one.
    pub(super) async fn volume_of(&self, name: &str) -> Result<Option<String>, ControlError> {
        Ok(self.newest(name).await?.map(|(_, volume)| volume))
    }

    /// The newest volume labelled as a server's, and when it was made.
    async fn newest(&self, name: &str) -> Result<Option<(u128, String)>, ControlError> {
        let labels = vec![self.label(), format!("{SERVER}={name}")];
        let filters = HashMap::from([("label", labels)]);
        let options = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let found = self.docker.list_volumes(Some(options)).await;
        let found = found.map_err(asked(format!("the volumes of server {name}")))?;
        let dated = |volume: Volume| {
            let made = volume.labels.get(MADE).and_then(|made| made.parse().ok());
            (made.unwrap_or_default(), volume.name)
        };
        Ok(found.volumes.unwrap_or_default().into_iter().map(dated).max())
    }

    /// Makes a server's volume; it is the newest.
    pub(super) async fn create_volume(&self, name: &str) -> Result<String, ControlError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        // A clock that was set back must not make it the older one.
        let made = self.newest(name).await?.map_or(now, |(newest, _)| now.max(newest + 1));
        let volume = format!("{}-{name}-{made:x}", self.settings.deployment);
        let request = VolumeCreateRequest {
            labels: Some(self.volume_labels(name, &volume)),
            name: Some(volume.clone()),
            ..Default::default()
        };
        let created = self.docker.create_volume(request).await;
        created.map_err(asked(format!("volume {volume}")))?;
        Ok(volume)
    }

    /// The labels of a server's volume. Its name says when it was made.
    pub(super) fn volume_labels(&self, name: &str, volume: &str) -> HashMap<String, String> {
        let mut labels = self.labels(name);
        let made = volume.rsplit('-').next().and_then(|made| u128::from_str_radix(made, 16).ok());
        labels.insert(MADE.to_owned(), made.unwrap_or_default().to_string());
        labels
    }

    /// Deletes a volume and what is in it.
    pub(super) async fn remove_volume(&self, volume: &str) -> Result<(), ControlError> {
        let removed = self.docker.remove_volume(volume, None::<RemoveVolumeOptions>).await;
        unless_gone(removed).map_err(asked(format!("volume {volume}")))
    }
}
