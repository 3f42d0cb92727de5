//! Placement policies.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use wasmtime::component::InstancePre;

use crate::about::{About, set_values};
use crate::bindings::{hash, placement};
use crate::grants::Granted;
use crate::guest::{ABOUT_BYTES, Guest, REASON_BYTES};
use crate::limits::Limits;
use crate::text::{MOST_BYTES, fit};
use crate::{
    CallError, Cluster, Description, Goal, LoadError, Move, PlacedShard, SettingError, law,
};

/// A placement policy. Clones are the same plugin.
#[derive(Clone)]
pub struct PlacementPlugin {
    shared: Arc<Shared>,
    /// What its settings are set to.
    values: Arc<[(String, String)]>,
}

struct Shared {
    pre: placement::PlacementPluginPre<Limits>,
    about: About,
}

/// An instance: what its exports are asked.
pub(crate) struct Instance {
    guest: Guest<placement::PlacementPlugin>,
    granted: Granted,
}

impl PlacementPlugin {
    pub(crate) fn load(
        pre: InstancePre<Limits>,
        about: impl FnOnce(hash::Description) -> Result<About, LoadError>,
        granted: Granted,
    ) -> Result<Self, LoadError> {
        let pre = placement::PlacementPluginPre::new(pre)
            .map_err(|e| LoadError::Interface(fit(&format!("{e:#}"))))?;
        let told = Instance::start(&pre, granted)
            .and_then(|mut instance| instance.describe())
            .map_err(LoadError::Describe)?;
        let about = about(told)?;
        let values = about.description.values().into();
        Ok(PlacementPlugin { shared: Arc::new(Shared { pre, about }), values })
    }

    /// The same plugin with some of its settings set, and the others as they are.
    ///
    /// # Errors
    /// Names the setting that it has not, or that cannot be set so.
    pub fn with_settings(&self, set: &BTreeMap<String, String>) -> Result<Self, SettingError> {
        Ok(PlacementPlugin { values: set_values(&self.values, set)?, ..self.clone() })
    }

    /// What its settings are set to, in the order in which it describes them.
    pub fn settings(&self) -> &[(String, String)] {
        &self.values
    }

    /// What it says of itself.
    pub fn description(&self) -> &Description {
        &self.shared.about.description
    }

    /// SHA-256 of its file, in hex: what tells it from any other.
    pub fn digest(&self) -> &str {
        &self.shared.about.digest
    }

    pub(crate) fn about(&self) -> &About {
        &self.shared.about
    }

    /// The moves toward a goal, which may be carried out in order: each has been checked
    /// against those before it.
    ///
    /// # Errors
    /// Says how the plugin failed, [`CallError::Refused`] with its reason, or
    /// [`CallError::Unlawful`] with what is wrong with its plan.
    pub fn plan(&self, cluster: &Cluster, goal: &Goal) -> Result<Vec<Move>, CallError> {
        self.fresh()?.plan(cluster, goal, &self.values)
    }

    /// An instance that nobody else uses.
    pub(crate) fn fresh(&self) -> Result<Instance, CallError> {
        Instance::start(&self.shared.pre, self.shared.about.granted)
    }
}

impl fmt::Debug for PlacementPlugin {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_tuple("PlacementPlugin").field(&self.shared.about).finish()
    }
}

impl Instance {
    fn start(
        pre: &placement::PlacementPluginPre<Limits>,
        granted: Granted,
    ) -> Result<Self, CallError> {
        let guest = Guest::start(pre.engine(), &granted, granted.work_deadline, |store| {
            pre.instantiate(store)
        })?;
        Ok(Instance { guest, granted })
    }

    pub(crate) fn describe(&mut self) -> Result<hash::Description, CallError> {
        self.guest.call(self.granted.work_deadline, ABOUT_BYTES, |exports, store| {
            exports.ringwright_plugin_placement().call_describe(store)
        })
    }

    /// A plan that is lawful.
    pub(crate) fn plan(
        &mut self,
        cluster: &Cluster,
        goal: &Goal,
        settings: &[(String, String)],
    ) -> Result<Vec<Move>, CallError> {
        let (told, aim) = (placement::Cluster::from(cluster), placement::Goal::from(goal));
        let (deadline, answer_bytes) = (self.granted.work_deadline, answer_bytes(cluster));
        let moves = self.guest.call(deadline, answer_bytes, |exports, store| {
            exports.ringwright_plugin_placement().call_plan(store, &told, &aim, settings)
        })?;
        let moves = moves.map_err(|reason| CallError::Refused(fit(&reason)))?;
        let moves: Vec<Move> = moves.into_iter().map(Move::from).collect();
        law::check(cluster, goal, &moves).map_err(|e| CallError::Unlawful(e.to_string()))?;
        Ok(moves)
    }

    /// The memory it has come to hold.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.guest.memory_bytes()
    }
}

/// The most a plan may take: a copy moves once, with a reason.
fn answer_bytes(cluster: &Cluster) -> usize {
    let copies = |s: &PlacedShard| s.held_by.len().max(usize::try_from(s.copies).unwrap_or(0));
    let moves = cluster.shards.iter().map(copies).fold(0, usize::saturating_add);
    // A reason that is longer than it may be is cut, not punished.
    moves.saturating_mul(size_of::<placement::Move>() + 2 * MOST_BYTES) + REASON_BYTES
}
