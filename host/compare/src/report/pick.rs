//! Single figures out of all there are.

use crate::{Change, Comparison, Counts, Figure, Figures, Keys, Moved, Moves, Spread};

/// What stands where nothing was measured.
const NOT_MEASURED: &str = "not measured";

impl Comparison {
    /// The plugins, the most even first: on few servers and many slots, by uniform keys.
    pub(crate) fn ranked(&self) -> Vec<&Figures> {
        let mut ranked: Vec<&Figures> = self.plugins.iter().collect();
        let peak = |p: &Figures| self.peak(p).unwrap_or(f64::INFINITY);
        ranked.sort_by(|a, b| peak(a).total_cmp(&peak(b)));
        ranked
    }

    /// The figure that plugins are ranked by.
    pub(crate) fn peak(&self, plugin: &Figures) -> Option<f64> {
        let spread = plugin.spread(self.scope.most_slots(), self.scope.few(), Keys::Uniform);
        spread.ok().map(|s| s.peak_to_mean)
    }

    /// What chance would do.
    pub(crate) fn by_chance(&self, servers: u32, keys: Keys) -> Option<&Spread> {
        let chance = self.chance.iter().find(|c| c.servers == servers && c.keys == keys);
        chance.map(|c| &c.spread)
    }

    /// What a change on few servers and many slots moves.
    pub(crate) fn moves<'a>(&self, plugin: &'a Figures, change: Change) -> Option<&'a Moves> {
        plugin.moves(self.scope.most_slots(), self.scope.few(), change)
    }
}

impl Figures {
    /// How evenly these keys fall.
    pub(crate) fn spread(&self, slots: u32, servers: u32, keys: Keys) -> Result<&Spread, &str> {
        let is_it = |s: &&crate::Spreads| (s.slots, s.servers, s.keys) == (slots, servers, keys);
        self.spreads.iter().find(is_it).map_or(Err(NOT_MEASURED), |s| of(&s.spread))
    }

    /// What a change moves.
    pub(crate) fn moves(&self, slots: u32, servers: u32, change: Change) -> Option<&Moves> {
        let is_it = |m: &&Moves| (m.slots, m.servers, m.change) == (slots, servers, change);
        self.moves.iter().find(is_it)
    }

    /// The paper's counts.
    pub(crate) fn counts(&self, servers: u32) -> Result<&Counts, &str> {
        let run = self.paper.iter().find(|p| p.servers == servers);
        run.map_or(Err(NOT_MEASURED), |p| of(&p.counts))
    }

    /// Of all changes on so many slots, the largest share of keys that moved between servers that
    /// stayed.
    pub(crate) fn most_needless(&self, slots: u32) -> Option<f64> {
        let moves = self.moves.iter().filter(|m| m.slots == slots);
        moves.filter_map(|m| m.moved.known()).map(|m| m.needless).reduce(f64::max)
    }
}

impl Moves {
    /// What moves.
    pub(crate) fn known(&self) -> Option<&Moved> {
        self.moved.known()
    }
}

/// A figure, or why there is none.
pub(crate) fn of<T>(figure: &Figure<T>) -> Result<&T, &str> {
    figure.0.as_ref().map_err(String::as_str)
}
