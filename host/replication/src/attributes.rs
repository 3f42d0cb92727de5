//! What an operator tells about a server changes.

use std::sync::Arc;

use ringwright_metadata::Change;
use ringwright_model::Attributes;

use crate::view::View;
use crate::{Cluster, ClusterError};

impl Cluster {
    /// Replaces what is told about a server.
    ///
    /// # Errors
    /// Where there is no such server, or it could not be written down.
    pub async fn set_attributes(
        self: &Arc<Self>,
        server: &str,
        attributes: Attributes,
    ) -> Result<(), ClusterError> {
        let view = self.views.current();
        let Some(member) = view.servers.get(server).cloned() else {
            return Err(ClusterError::NoServer(server.to_owned()));
        };
        let change =
            Change::Attributes { server: server.to_owned(), attributes: attributes.clone() };
        let show = move |_: &mut View| member.set_attributes(attributes);
        drop(self.settle(None, vec![change], show).await?);
        Ok(())
    }
}
