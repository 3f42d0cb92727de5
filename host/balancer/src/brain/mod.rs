//! The brains in use: which hash function and which placement policy, and where others come
//! from.
//!
//! What is in use is this plugin and no other: it goes on whatever becomes of its file, and
//! another of its name is another.

mod watch;

use std::sync::Arc;

use arc_swap::ArcSwap;
use ringwright_plugin_runtime::{Catalogue, HashPlugin, Listing, PlacementPlugin, State};

use watch::Watch;

/// The catalogue of plugins and the active ones.
pub struct Brain {
    watch: Watch,
    hash: ArcSwap<Active<HashPlugin>>,
    placement: ArcSwap<Active<PlacementPlugin>>,
}

/// A plugin in use.
pub struct Active<P> {
    /// The name it was chosen by.
    pub name: String,
    /// The plugin.
    pub plugin: P,
}

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
    /// The plugin folders cannot be watched.
    #[error("the plugin folders cannot be watched: {0}")]
    Watch(String),
}

impl Brain {
    /// Starts with the plugins of those names, and looks after the folders of the catalogue.
    ///
    /// # Errors
    /// Where the catalogue has none of them.
    pub fn new(catalogue: Catalogue, hash: &str, placement: &str) -> Result<Self, BrainError> {
        let listing = catalogue.listing();
        let hash = hash_of(&listing, hash)?;
        let placement = placement_of(&listing, placement)?;
        let watch = Watch::start(catalogue).map_err(|e| BrainError::Watch(e.to_string()))?;
        Ok(Brain {
            watch,
            hash: ArcSwap::from_pointee(hash),
            placement: ArcSwap::from_pointee(placement),
        })
    }

    /// The active hash function. What requests go by is the router's, which at a swap has it a
    /// moment earlier.
    pub fn hash(&self) -> Arc<Active<HashPlugin>> {
        self.hash.load_full()
    }

    /// The active placement policy.
    pub fn placement(&self) -> Arc<Active<PlacementPlugin>> {
        self.placement.load_full()
    }

    /// The plugins in the folders, as of a moment ago.
    pub fn listing(&self) -> Arc<Listing> {
        self.watch.listing()
    }

    /// Finds a hash function, without making it active. The folders are looked at again for one
    /// that is not known.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub async fn find_hash(&self, name: &str) -> Result<Active<HashPlugin>, BrainError> {
        if let Ok(found) = hash_of(&self.listing(), name) {
            return Ok(found);
        }
        self.watch.look_again().await;
        hash_of(&self.listing(), name)
    }

    /// Finds a placement policy, without making it active. The folders are looked at again for
    /// one that is not known.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub async fn find_placement(&self, name: &str) -> Result<Active<PlacementPlugin>, BrainError> {
        if let Ok(found) = placement_of(&self.listing(), name) {
            return Ok(found);
        }
        self.watch.look_again().await;
        placement_of(&self.listing(), name)
    }

    pub(crate) fn use_hash(&self, hash: Arc<Active<HashPlugin>>) {
        self.hash.store(hash);
    }

    pub(crate) fn use_placement(&self, placement: Active<PlacementPlugin>) {
        self.placement.store(Arc::new(placement));
    }
}

fn hash_of(listing: &Listing, name: &str) -> Result<Active<HashPlugin>, BrainError> {
    match listing.hash(name) {
        // With instances of its own, so that they go when it is swapped out.
        Some(plugin) => Ok(Active { name: name.to_owned(), plugin: plugin.seated() }),
        None => Err(missing(listing, "hash", name)),
    }
}

fn placement_of(listing: &Listing, name: &str) -> Result<Active<PlacementPlugin>, BrainError> {
    match listing.placement(name) {
        Some(plugin) => Ok(Active { name: name.to_owned(), plugin: plugin.clone() }),
        None => Err(missing(listing, "placement", name)),
    }
}

fn missing(listing: &Listing, kind: &'static str, name: &str) -> BrainError {
    let mut called = listing.entries().filter(|e| e.name() == name && e.kind() == "unknown");
    if let Some(State::Refused(reason)) = called.next().map(|e| e.state()) {
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
