//! The versions of the plugin interface, and which one a component was built for.
//!
//! Each line of versions that the host loads is a variant of [`Api`]. It chooses the bindings
//! that call such a plugin and turn what it answers into the host's own words; they are its
//! adapter. A new line is a variant here, bindings of its own, and an arm where plugins are loaded.

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::LoadError;

/// The interface a hash plugin exports, but for its version.
pub(crate) const HASH: &str = "ringwright:plugin/hash";
/// The interface a placement plugin exports, but for its version.
pub(crate) const PLACEMENT: &str = "ringwright:plugin/placement";

/// Versions that differ in nothing a plugin is asked for, and so share an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    /// 0.1.0 and what came after it in the same line.
    V0_1,
}

/// What a plugin is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Hash,
    Placement,
}

/// The lines of versions that this host loads, newest first.
const LOADED: [(&str, Api); 1] = [("0.1", Api::V0_1)];

/// An export that makes a component a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Export {
    pub(crate) kind: Kind,
    /// As the component names it.
    pub(crate) version: String,
}

impl Api {
    /// The adapter of a version; `None` for one that this host does not load.
    pub(crate) fn of(version: &str) -> Option<Self> {
        let (line, patch) = version.rsplit_once('.')?;
        patch.parse::<u32>().ok()?; // a version that is not yet one has more in its place
        LOADED.iter().find(|(loaded, _)| *loaded == line).map(|(_, api)| *api)
    }
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Hash => "hash",
            Kind::Placement => "placement",
        }
    }
}

/// The export that the host calls: of the newest line it loads; of one it does not load where
/// there is no other.
pub(crate) fn export(engine: &Engine, component: &Component) -> Option<Export> {
    choose(component.component_type().exports(engine).map(|(name, _)| name))
}

/// Says which versions would have done.
pub(crate) fn not_loaded(export: &Export) -> LoadError {
    let loads: Vec<String> = LOADED.iter().map(|(line, _)| format!("{line}.x")).collect();
    LoadError::Version { built_for: export.version.clone(), loads: loads.join(", ") }
}

fn choose<'a>(names: impl Iterator<Item = &'a str>) -> Option<Export> {
    let newest_first = |export: &Export| {
        let api = Api::of(&export.version);
        LOADED.iter().position(|(_, loaded)| Some(*loaded) == api).unwrap_or(LOADED.len())
    };
    names.filter_map(named).min_by_key(newest_first)
}

fn named(name: &str) -> Option<Export> {
    let (interface, version) = name.split_once('@')?;
    let kind = match interface {
        HASH => Kind::Hash,
        PLACEMENT => Kind::Placement,
        _ => return None,
    };
    Some(Export { kind, version: version.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(names: &[&str]) -> Option<(Kind, String)> {
        choose(names.iter().copied()).map(|e| (e.kind, e.version))
    }

    #[test]
    fn a_plugin_is_known_by_what_it_exports() {
        let hash = |version: &str| Some((Kind::Hash, version.to_owned()));
        assert_eq!(chosen(&["a:b/c@0.1.0", "ringwright:plugin/hash@0.1.3"]), hash("0.1.3"));
        assert_eq!(
            chosen(&["ringwright:plugin/hash@0.9.0", "ringwright:plugin/hash@0.1.0"]),
            hash("0.1.0"),
            "one that is loaded goes before one that is not"
        );
        assert_eq!(chosen(&["ringwright:plugin/hash@9.0.0"]), hash("9.0.0"));
        assert_eq!(
            chosen(&["ringwright:plugin/placement@0.1.0"]),
            Some((Kind::Placement, "0.1.0".to_owned()))
        );
        assert_eq!(chosen(&["ringwright:plugin/hash", "ringwright:plugin/types@0.1.0"]), None);
    }

    #[test]
    fn a_line_of_versions_is_loaded_and_no_other() {
        assert_eq!(["0.1.0", "0.1.17"].map(Api::of), [Some(Api::V0_1); 2]);
        for other in ["0.2.0", "1.0.0", "0.10.0", "0.1.0-rc.1", "0.1", "0.1.x", ""] {
            assert_eq!(Api::of(other), None, "{other}");
        }
    }
}
