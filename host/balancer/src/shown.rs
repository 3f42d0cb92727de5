//! Servers as plugins are shown them.

use ringwright_plugin_runtime::ServerInfo;
use ringwright_replication::Member;

/// A member, and what the operator tells about it.
pub(crate) fn server(member: &Member) -> ServerInfo {
    let attributes = member.attributes();
    let label = |(key, value): (&String, &String)| (key.clone(), value.clone());
    ServerInfo {
        weight: attributes.weight,
        labels: attributes.labels.iter().map(label).collect(),
        ..ServerInfo::new(member.id, &member.name)
    }
}
