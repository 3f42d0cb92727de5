//! The two kinds of plugin, as far as choosing one does not care which it is.

use std::collections::BTreeMap;

use ringwright_plugin_runtime::{HashPlugin, Listing, PlacementPlugin, SettingError};

/// A kind of plugin.
pub trait Kind: Clone + Send + Sync + 'static {
    /// What it is called.
    const NAME: &'static str;

    /// What it is there for, as its interface calls it.
    const ASKED: &'static str;

    /// The one of that name.
    fn find(listing: &Listing, name: &str) -> Option<Self>;

    /// SHA-256 of its file.
    fn digest(&self) -> &str;

    /// The same plugin with other settings.
    ///
    /// # Errors
    /// Where it has no such setting.
    fn set(&self, settings: &BTreeMap<String, String>) -> Result<Self, SettingError>;

    /// The same plugin for another use, whose instances end with that use.
    fn afresh(&self) -> Self;
}

impl Kind for HashPlugin {
    const NAME: &'static str = "hash";
    const ASKED: &'static str = "slot";

    fn find(listing: &Listing, name: &str) -> Option<Self> {
        listing.hash(name).cloned()
    }

    fn digest(&self) -> &str {
        HashPlugin::digest(self)
    }

    fn set(&self, settings: &BTreeMap<String, String>) -> Result<Self, SettingError> {
        self.with_settings(settings)
    }

    fn afresh(&self) -> Self {
        self.seated()
    }
}

impl Kind for PlacementPlugin {
    const NAME: &'static str = "placement";
    const ASKED: &'static str = "plan";

    fn find(listing: &Listing, name: &str) -> Option<Self> {
        listing.placement(name).cloned()
    }

    fn digest(&self) -> &str {
        PlacementPlugin::digest(self)
    }

    fn set(&self, settings: &BTreeMap<String, String>) -> Result<Self, SettingError> {
        self.with_settings(settings)
    }

    fn afresh(&self) -> Self {
        self.clone()
    }
}
