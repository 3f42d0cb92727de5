//! The brains in use: which hash function and which placement policy, and where others come
//! from.
//!
//! What is in use is this plugin and no other: it goes on whatever becomes of its file, and
//! another of its name is another. One that fails too often is taken out of service.

mod calls;
mod error;
mod faults;
mod in_use;
mod kind;
mod watch;

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::IntCounterVec;
use ringwright_metrics::counters;
use ringwright_model::Choice;
use ringwright_plugin_runtime::{
    CallError, Catalogue, HashPlugin, Listing, PlacementPlugin, Runtime,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub use calls::Calls;
pub use error::BrainError;
pub use faults::{FaultLimit, Faults};
pub use in_use::Active;
pub use kind::Kind;

use in_use::InUse;
use watch::Watch;

/// Which plugins are used where none was chosen, and how much is forgiven.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The hash function.
    pub hash: String,
    /// The placement policy.
    pub placement: String,
    /// When a plugin is taken out of service.
    pub faults: FaultLimit,
}

/// What an operator wants to be used: a plugin by its name, and how it is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pick {
    /// The plugin's name.
    pub name: String,
    /// Its settings that are not to be the defaults.
    pub settings: BTreeMap<String, String>,
}

/// The catalogue of plugins and the active ones.
pub struct Brain {
    runtime: Runtime,
    watch: Watch,
    settings: Settings,
    hash: InUse<HashPlugin>,
    placement: InUse<PlacementPlugin>,
    /// All faults of this process, of plugins that are out of use too.
    faults: IntCounterVec,
    /// Digests of the plugins out of service, and why.
    out: Mutex<BTreeMap<String, String>>,
    put_out: UnboundedSender<Trouble>,
    trouble: tokio::sync::Mutex<UnboundedReceiver<Trouble>>,
}

/// A plugin that was taken out of service.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// Which one.
    pub choice: Choice,
    /// Its kind.
    pub kind: &'static str,
    /// Why.
    pub reason: String,
}

impl Brain {
    /// Starts with the plugins that were chosen, or the default ones where they are gone, and
    /// looks after the folders of the catalogue.
    ///
    /// # Errors
    /// Where the catalogue has neither.
    pub fn new(
        mut catalogue: Catalogue,
        settings: Settings,
        hash: Option<Choice>,
        placement: Option<Choice>,
    ) -> Result<Self, BrainError> {
        let hash = first(&mut catalogue, hash, &settings.hash)?;
        let placement = first(&mut catalogue, placement, &settings.placement)?;
        let runtime = catalogue.runtime().clone();
        let watch = Watch::start(catalogue).map_err(|e| BrainError::Watch(e.to_string()))?;
        let (put_out, trouble) = unbounded_channel();
        Ok(Brain {
            runtime,
            watch,
            settings,
            hash: InUse::new(hash),
            placement: InUse::new(placement),
            faults: counters(
                "ringwright_plugin_faults_total",
                "Calls in which a plugin in use broke its contract.",
                &[],
                &["name", "kind"],
            ),
            out: Mutex::default(),
            put_out,
            trouble: tokio::sync::Mutex::new(trouble),
        })
    }

    /// The active hash function. What requests go by is the router's, which at a swap has it a
    /// moment earlier.
    pub fn hash(&self) -> Arc<Active<HashPlugin>> {
        self.hash.now()
    }

    /// The active placement policy.
    pub fn placement(&self) -> Arc<Active<PlacementPlugin>> {
        self.placement.now()
    }

    /// The plugins in the folders, as of a moment ago.
    pub fn listing(&self) -> Arc<Listing> {
        self.watch.listing()
    }

    /// What loads plugins.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Has the folders looked at now, for what is new there.
    pub async fn look_again(&self) {
        self.watch.look_again().await;
    }

    /// Finds a plugin, without making it active. The folders are looked at again for one that is
    /// not known.
    ///
    /// # Errors
    /// Where there is none of that name, it cannot be set so, or it is out of service and that
    /// is not forgiven.
    pub async fn find<P: Kind>(&self, pick: &Pick, forgive: bool) -> Result<Active<P>, BrainError> {
        if P::find(&self.listing(), &pick.name).is_none() {
            self.watch.look_again().await;
        }
        let found = find(&self.listing(), pick)?;
        match self.out_of_service(&found.choice.digest) {
            Some(reason) if !forgive => {
                Err(BrainError::OutOfService { name: pick.name.clone(), reason })
            }
            _ => Ok(found),
        }
    }

    /// Notes that a plugin in use failed; says whether it is out of service.
    pub fn fault<P: Kind>(&self, active: &Active<P>, error: &CallError) -> bool {
        let limit = self.settings.faults;
        if error.is_fault() && self.note(active, error) {
            let FaultLimit { faults, within } = limit;
            let reason =
                format!("it failed {faults} times within {within:?}, the last time: {error}");
            self.put_out(active, reason);
        }
        active.faults.is_out()
    }

    /// Takes a plugin in use out of service at once: asked again, it would fail again.
    pub fn condemn<P: Kind>(&self, active: &Active<P>, error: &CallError) {
        self.note(active, error);
        self.put_out(active, format!("it cannot be relied upon: {error}"));
    }

    /// Counts a fault; whether with it there are too many.
    fn note<P: Kind>(&self, active: &Active<P>, error: &CallError) -> bool {
        let name = active.choice.name.as_str();
        self.faults.with_label_values(&[name, P::NAME]).inc();
        active.faults.note(name, error, self.settings.faults)
    }

    /// The faults of all plugins that were in use, for a registry.
    pub(crate) fn faults(&self) -> &IntCounterVec {
        &self.faults
    }

    fn put_out<P: Kind>(&self, active: &Active<P>, reason: String) {
        if !active.faults.set_out() {
            return;
        }
        let choice = active.choice.clone();
        self.out.lock().insert(choice.digest.clone(), reason.clone());
        // The receiver lives as long as this.
        let _ = self.put_out.send(Trouble { choice, kind: P::NAME, reason });
    }

    /// Why the plugin of that digest is out of service, where it is.
    pub fn out_of_service(&self, digest: &str) -> Option<String> {
        self.out.lock().get(digest).cloned()
    }

    /// How many plugins are out of service.
    pub fn out_of_service_count(&self) -> usize {
        self.out.lock().len()
    }

    /// Waits until a plugin is taken out of service.
    pub async fn trouble(&self) -> Trouble {
        match self.trouble.lock().await.recv().await {
            Some(trouble) => trouble,
            // The sender lives as long as this.
            None => pending().await,
        }
    }

    /// What to use in place of the active hash function: the last before it that behaved first.
    pub fn other_hashes(&self) -> Vec<Active<HashPlugin>> {
        self.others(&self.hash, &self.settings.hash)
    }

    /// What to use in place of the active placement policy: the last before it that behaved
    /// first.
    pub fn other_placements(&self) -> Vec<Active<PlacementPlugin>> {
        self.others(&self.placement, &self.settings.placement)
    }

    /// Those that were in use before and behaved, the latest first, and the default.
    fn others<P: Kind>(&self, in_use: &InUse<P>, default: &str) -> Vec<Active<P>> {
        let active = in_use.now();
        let behaves = |choice: &Choice| {
            choice.digest != active.choice.digest && self.out_of_service(&choice.digest).is_none()
        };
        let mut others = in_use.former(behaves);
        let pick = Pick { name: default.to_owned(), ..Pick::default() };
        let default = find(&self.listing(), &pick).ok().filter(|found| behaves(&found.choice));
        others.extend(default);
        others
    }

    pub(crate) fn use_hash(&self, hash: Arc<Active<HashPlugin>>) {
        self.out.lock().remove(&hash.choice.digest);
        self.hash.replace(hash);
    }

    pub(crate) fn use_placement(&self, placement: Active<PlacementPlugin>) {
        self.out.lock().remove(&placement.choice.digest);
        self.placement.replace(Arc::new(placement));
    }
}

fn find<P: Kind>(listing: &Listing, pick: &Pick) -> Result<Active<P>, BrainError> {
    let Pick { name, settings } = pick;
    let plugin = P::find(listing, name).ok_or_else(|| error::missing::<P>(listing, name))?;
    let plugin =
        plugin.set(settings).map_err(|error| BrainError::Setting { name: name.clone(), error })?;
    let (name, settings) = (name.clone(), settings.clone());
    let choice = Choice { name, digest: plugin.digest().to_owned(), settings };
    Ok(Active::new(choice, &plugin))
}

/// The one that was chosen, else the default.
fn first<P: Kind>(
    catalogue: &mut Catalogue,
    chosen: Option<Choice>,
    default: &str,
) -> Result<Active<P>, BrainError> {
    let kind = P::NAME;
    if let Some(Choice { name, digest, settings }) = chosen {
        match seek::<P>(catalogue, &Pick { name, settings }) {
            Ok(found) => {
                if !digest.is_empty() && found.choice.digest != digest {
                    let (plugin, now) = (&found.choice.name, &found.choice.digest);
                    tracing::warn!(plugin, kind, was = digest, now, "another version was chosen");
                }
                return Ok(found);
            }
            Err(error) => {
                tracing::error!(kind, %error, default, "the chosen plugin cannot be used: using the default");
            }
        }
    }
    seek(catalogue, &Pick { name: default.to_owned(), ..Pick::default() })
}

/// Finds a plugin and tries no more files than that takes: a balancer that takes over must not
/// wait for plugins that nobody uses.
fn seek<P: Kind>(catalogue: &mut Catalogue, pick: &Pick) -> Result<Active<P>, BrainError> {
    catalogue.seek(&[&pick.name], |listing| P::find(listing, &pick.name).is_some());
    find(&catalogue.listing(), pick)
}
