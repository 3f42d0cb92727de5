//! The brains in use: which hash function and which placement policy, and their swap.
//!
//! A swap replaces one pointer. Requests under way finish on the function they began with.

use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use ringwright_plugin_runtime::{Catalogue, HashPlugin, PlacementPlugin};

/// The catalogue of plugins and the active ones.
pub struct Brain {
    catalogue: Mutex<Catalogue>,
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
}

impl Brain {
    /// Starts with the plugins of those names.
    ///
    /// # Errors
    /// Where the catalogue has none of them.
    pub fn new(catalogue: Catalogue, hash: &str, placement: &str) -> Result<Self, BrainError> {
        let hash = find_hash(&catalogue, hash)?;
        let placement = find_placement(&catalogue, placement)?;
        Ok(Brain {
            catalogue: Mutex::new(catalogue),
            hash: ArcSwap::from_pointee(hash),
            placement: ArcSwap::from_pointee(placement),
        })
    }

    /// The active hash function.
    pub fn hash(&self) -> Arc<Active<HashPlugin>> {
        self.hash.load_full()
    }

    /// The active placement policy.
    pub fn placement(&self) -> Arc<Active<PlacementPlugin>> {
        self.placement.load_full()
    }

    /// The plugins there are, files that changed since looked at again.
    pub fn catalogue<T>(&self, look: impl FnOnce(&Catalogue) -> T) -> T {
        let mut catalogue = self.catalogue.lock();
        catalogue.refresh();
        look(&catalogue)
    }

    /// Finds a hash function, without making it active.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn find_hash(&self, name: &str) -> Result<Active<HashPlugin>, BrainError> {
        self.catalogue(|c| find_hash(c, name))
    }

    /// Finds a placement policy, without making it active.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn find_placement(&self, name: &str) -> Result<Active<PlacementPlugin>, BrainError> {
        self.catalogue(|c| find_placement(c, name))
    }

    /// Makes a hash function active.
    pub fn use_hash(&self, hash: Active<HashPlugin>) {
        self.hash.store(Arc::new(hash));
    }

    /// Makes a placement policy active.
    pub fn use_placement(&self, placement: Active<PlacementPlugin>) {
        self.placement.store(Arc::new(placement));
    }
}

fn find_hash(catalogue: &Catalogue, name: &str) -> Result<Active<HashPlugin>, BrainError> {
    match catalogue.hash(name) {
        Some(plugin) => Ok(Active { name: name.to_owned(), plugin }),
        None => Err(unknown(catalogue, "hash", name)),
    }
}

fn find_placement(
    catalogue: &Catalogue,
    name: &str,
) -> Result<Active<PlacementPlugin>, BrainError> {
    match catalogue.placement(name) {
        Some(plugin) => Ok(Active { name: name.to_owned(), plugin }),
        None => Err(unknown(catalogue, "placement", name)),
    }
}

fn unknown(catalogue: &Catalogue, kind: &'static str, name: &str) -> BrainError {
    let known: Vec<&str> = catalogue
        .entries()
        .filter(|e| e.is_loaded() && e.kind() == kind)
        .map(|e| e.name())
        .collect();
    let name = name.to_owned();
    if known.is_empty() {
        return BrainError::NoneAtAll { kind, name };
    }
    BrainError::Unknown { kind, name, known: known.join(", ") }
}
