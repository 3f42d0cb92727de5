//! Placement policies.

use std::fmt;
use std::sync::Arc;

use wasmtime::component::InstancePre;

use crate::about::About;
use crate::bindings::{hash, placement};
use crate::guest::{ABOUT_BYTES, Guest, REASON_BYTES};
use crate::limits::Limits;
use crate::text::{MOST_BYTES, fit};
use crate::{CallError, Cluster, Description, Goal, LoadError, Move, PlacedShard, Settings, law};

/// A placement policy. Clones are the same plugin.
#[derive(Clone)]
pub struct PlacementPlugin {
    shared: Arc<Shared>,
}

struct Shared {
    pre: placement::PlacementPluginPre<Limits>,
    settings: Settings,
    about: About,
}

impl PlacementPlugin {
    pub(crate) fn load(
        pre: InstancePre<Limits>,
        settings: &Settings,
        about: impl FnOnce(hash::Description) -> Result<About, LoadError>,
    ) -> Result<Self, LoadError> {
        let pre = placement::PlacementPluginPre::new(pre)
            .map_err(|e| LoadError::Interface(fit(&format!("{e:#}"))))?;
        let told = start(&pre, settings)
            .and_then(|mut instance| {
                instance.call(settings.work_deadline, ABOUT_BYTES, |exports, store| {
                    exports.ringwright_plugin_placement().call_describe(store)
                })
            })
            .map_err(LoadError::Describe)?;
        let (settings, about) = (settings.clone(), about(told)?);
        Ok(PlacementPlugin { shared: Arc::new(Shared { pre, settings, about }) })
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
        let Shared { pre, settings, about } = &*self.shared;
        let values = about.description.values();
        let (told, aim) = (placement::Cluster::from(cluster), placement::Goal::from(goal));
        let moves = start(pre, settings)?
            .call(settings.work_deadline, answer_bytes(cluster), |exports, store| {
                exports.ringwright_plugin_placement().call_plan(store, &told, &aim, &values)
            })?
            .map_err(|reason| CallError::Refused(fit(&reason)))?;
        let moves: Vec<Move> = moves.into_iter().map(Move::from).collect();
        law::check(cluster, goal, &moves).map_err(|e| CallError::Unlawful(e.to_string()))?;
        Ok(moves)
    }
}

impl fmt::Debug for PlacementPlugin {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_tuple("PlacementPlugin").field(&self.shared.about).finish()
    }
}

fn start(
    pre: &placement::PlacementPluginPre<Limits>,
    settings: &Settings,
) -> Result<Guest<placement::PlacementPlugin>, CallError> {
    Guest::start(pre.engine(), settings, settings.work_deadline, |store| pre.instantiate(store))
}

/// The most a plan may take: a copy moves once, with a reason.
fn answer_bytes(cluster: &Cluster) -> usize {
    let copies = |s: &PlacedShard| s.held_by.len().max(usize::try_from(s.copies).unwrap_or(0));
    let moves = cluster.shards.iter().map(copies).fold(0, usize::saturating_add);
    // A reason that is longer than it may be is cut, not punished.
    moves.saturating_mul(size_of::<placement::Move>() + 2 * MOST_BYTES) + REASON_BYTES
}
