//! The plugin of a kind that is in use, and those that were before it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use ringwright_model::Choice;

use super::calls::Calls;
use super::faults::Faults;
use super::kind::Kind;

/// How many earlier choices are remembered.
const FORMER: usize = 8;

/// A plugin in use. Clones are the same use.
#[derive(Clone)]
pub struct Active<P> {
    /// What was chosen.
    pub choice: Choice,
    /// The plugin.
    pub plugin: P,
    /// Its faults since it was chosen.
    pub faults: Arc<Faults>,
    /// Its calls since then.
    pub calls: Arc<Calls>,
}

impl<P: Kind> Active<P> {
    /// A plugin for a use of its own.
    pub fn new(choice: Choice, plugin: &P) -> Self {
        let calls = Arc::new(Calls::new::<P>(&choice.name));
        Active { choice, plugin: plugin.afresh(), faults: Arc::default(), calls }
    }
}

/// The one in use.
pub(super) struct InUse<P> {
    now: ArcSwap<Active<P>>,
    /// Those before it, the latest last. They keep no instances.
    former: Mutex<Vec<Active<P>>>,
}

impl<P: Kind> InUse<P> {
    pub(super) fn new(active: Active<P>) -> Self {
        InUse { now: ArcSwap::from_pointee(active), former: Mutex::default() }
    }

    pub(super) fn now(&self) -> Arc<Active<P>> {
        self.now.load_full()
    }

    pub(super) fn replace(&self, active: Arc<Active<P>>) {
        let mut former = self.former.lock();
        let before = self.now.swap(active);
        former.retain(|f| f.choice.digest != before.choice.digest);
        former.push(Active::new(before.choice.clone(), &before.plugin));
        if former.len() > FORMER {
            former.remove(0);
        }
    }

    /// Those before the one in use that will do, the latest first; each for a use of its own.
    pub(super) fn former(&self, will_do: impl Fn(&Choice) -> bool) -> Vec<Active<P>> {
        let former = self.former.lock();
        let found = former.iter().rev().filter(|f| will_do(&f.choice));
        found.map(|f| Active::new(f.choice.clone(), &f.plugin)).collect()
    }
}
