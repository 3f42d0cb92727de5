//! Why a plugin cannot be made active.

use ringwright_plugin_runtime::{Listing, SettingError, State};

use super::kind::Kind;

/// Why a plugin cannot be made active.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BrainError {
    /// There is none of that name and kind.
    #[error("no {kind} plugin is called '{name}'; there are: {known}")]
    Unknown {
        /// `hash` or `placement`.
        kind: &'static str,
        /// The name asked for.
        name: String,
        /// Those there are.
        known: String,
    },
    /// There is none of that kind at all.
    #[error("no {kind} plugin is called '{name}', nor anything else: `make plugins` builds some")]
    NoneAtAll {
        /// `hash` or `placement`.
        kind: &'static str,
        /// The name asked for.
        name: String,
    },
    /// There is a file of that name which is no plugin that can be used.
    #[error("'{name}' cannot be used: {reason}")]
    Refused {
        /// The name asked for.
        name: String,
        /// Why.
        reason: String,
    },
    /// It failed too often when it was in use.
    #[error("'{name}' was taken out of service: {reason}; \"force\": true puts it back")]
    OutOfService {
        /// The name asked for.
        name: String,
        /// Why.
        reason: String,
    },
    /// It cannot be set so.
    #[error("'{name}': {error}")]
    Setting {
        /// The name asked for.
        name: String,
        /// What is wrong.
        error: SettingError,
    },
    /// The plugin folders cannot be watched.
    #[error("the plugin folders cannot be watched: {0}")]
    Watch(String),
}

/// Why there is no plugin of that name.
pub(super) fn missing<P: Kind>(listing: &Listing, name: &str) -> BrainError {
    let kind = P::NAME;
    let unusable = |e: &&ringwright_plugin_runtime::Entry| {
        e.name() == name && !e.is_loaded() && [kind, "unknown"].contains(&e.kind())
    };
    if let Some(State::Refused(reason)) = listing.entries().find(unusable).map(|e| e.state()) {
        return BrainError::Refused { name: name.to_owned(), reason };
    }
    let known: Vec<&str> =
        listing.entries().filter(|e| e.is_loaded() && e.kind() == kind).map(|e| e.name()).collect();
    let name = name.to_owned();
    if known.is_empty() {
        return BrainError::NoneAtAll { kind, name };
    }
    BrainError::Unknown { kind, name, known: known.join(", ") }
}
