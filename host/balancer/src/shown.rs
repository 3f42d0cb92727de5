//! Servers as plugins, clients and operators are shown them.

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

/// What a server may be.
pub(crate) const STATES: [&str; 3] = ["live", "suspect", "dead"];

/// Whether a server answers: `dead` where it is not taken to run.
pub(crate) fn state(member: &Member) -> &'static str {
    let [live, suspect, dead] = STATES;
    match (member.link().is_some(), member.is_suspect()) {
        (true, false) => live,
        (true, true) => suspect,
        (false, _) => dead,
    }
}
