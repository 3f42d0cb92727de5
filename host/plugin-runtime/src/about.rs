//! What is known of a plugin.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::bindings::hash;
use crate::grants::Granted;
use crate::text::fit;
use crate::{LoadError, SettingError};

/// The longest name.
const NAME_BYTES: usize = 64;
/// The most settings.
const SETTINGS: usize = 32;

/// What a plugin says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// What it is called by: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// Where the algorithm comes from.
    pub reference: String,
    /// What can be set about it.
    pub settings: Vec<Setting>,
}

/// Something an operator may set about a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name, of the same characters as a plugin's.
    pub name: String,
    /// What it does.
    pub summary: String,
    /// Its value unless another is set.
    pub default: String,
}

/// What a hash function can do, by its own account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// It heeds the weights of servers.
    pub weighted: bool,
    /// It gives a server as many virtual nodes as it is told.
    pub virtual_nodes: bool,
    /// Only the last server can be lost without most requests moving.
    pub tail_only: bool,
    /// The most servers it can lay out.
    pub max_servers: Option<u32>,
}

/// A plugin's description and the file it came as.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) description: Description,
    /// SHA-256 in hex.
    pub(crate) digest: String,
    pub(crate) size: usize,
    /// The version of the interface it was built for.
    pub(crate) api: String,
    /// What compiling it took; `None` where that was done before.
    pub(crate) compiled_in: Option<Duration>,
    /// What it may use.
    pub(crate) granted: Granted,
}

impl Description {
    /// The value of each setting, as plugins are handed them.
    pub(crate) fn values(&self) -> Vec<(String, String)> {
        self.settings.iter().map(|s| (s.name.clone(), s.default.clone())).collect()
    }
}

/// The values with some of them set.
pub(crate) fn set_values(
    values: &[(String, String)],
    set: &BTreeMap<String, String>,
) -> Result<Arc<[(String, String)]>, SettingError> {
    for (name, value) in set {
        if !values.iter().any(|(known, _)| known == name) {
            let known: Vec<&str> = values.iter().map(|(name, _)| name.as_str()).collect();
            let (name, known) = (fit(name), known.join(", "));
            return Err(SettingError::Unknown { name, known });
        }
        if fit(value) != *value {
            return Err(SettingError::Value { name: name.clone() });
        }
    }
    let value =
        |(name, old): &(String, String)| (name.clone(), set.get(name).unwrap_or(old).clone());
    Ok(values.iter().map(value).collect())
}

impl TryFrom<hash::Description> for Description {
    type Error = LoadError;

    fn try_from(told: hash::Description) -> Result<Self, LoadError> {
        check_name("a name", &told.name)?;
        Ok(Description {
            name: told.name,
            version: fit(&told.version),
            summary: fit(&told.summary),
            reference: fit(&told.reference),
            settings: settings(told.settings)?,
        })
    }
}

fn settings(told: Vec<hash::Setting>) -> Result<Vec<Setting>, LoadError> {
    if told.len() > SETTINGS {
        return Err(LoadError::Description(format!("there are more than {SETTINGS} settings")));
    }
    let mut names = BTreeSet::new();
    let mut settings = Vec::with_capacity(told.len());
    for setting in told {
        check_name("a setting's name", &setting.name)?;
        if !names.insert(setting.name.clone()) {
            return Err(LoadError::Description(format!("setting '{}' twice", setting.name)));
        }
        // A value that is cut would be another one.
        if fit(&setting.default) != setting.default {
            return Err(LoadError::Description(format!(
                "the default of setting '{}' is too long or has control characters",
                setting.name
            )));
        }
        let summary = fit(&setting.summary);
        settings.push(Setting { name: setting.name, summary, default: setting.default });
    }
    Ok(settings)
}

fn check_name(what: &str, name: &str) -> Result<(), LoadError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if (1..=NAME_BYTES).contains(&name.len()) && name.chars().all(plain) {
        return Ok(());
    }
    Err(LoadError::Description(format!(
        "{what} has 1 to {NAME_BYTES} letters, digits, '-', '_' or '.'"
    )))
}

impl From<hash::Traits> for Traits {
    fn from(told: hash::Traits) -> Self {
        let hash::Traits { weighted, virtual_nodes, tail_only, max_servers } = told;
        Traits { weighted, virtual_nodes, tail_only, max_servers }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    fn told(settings: Vec<hash::Setting>) -> hash::Description {
        let text = String::new;
        let (version, summary, reference) = (text(), text(), text());
        hash::Description { name: "p".into(), version, summary, reference, settings }
    }

    fn setting(name: &str, default: &str) -> hash::Setting {
        hash::Setting { name: name.into(), summary: "s\n".into(), default: default.into() }
    }

    #[test]
    fn texts_are_made_fit() {
        let told = hash::Description { summary: "two\nlines".into(), ..told(Vec::new()) };
        assert_eq!(Description::try_from(told).unwrap().summary, "twolines");
    }

    #[test]
    fn settings_have_their_defaults() {
        let description = Description::try_from(told(vec![setting("k", "9")])).unwrap();
        assert_eq!(description.settings[0].summary, "s");
        assert_eq!(description.values(), [("k".to_owned(), "9".to_owned())]);
    }

    #[test]
    fn some_settings_are_set_and_others_stay() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let values = [pair("k", "9"), pair("seed", "0")];
        let set = |name, value| set_values(&values, &[pair(name, value)].into());
        assert_eq!(*set("seed", "7").unwrap(), [pair("k", "9"), pair("seed", "7")]);
        let unknown = SettingError::Unknown { name: "sed".into(), known: "k, seed".into() };
        assert_eq!(set("sed", "7"), Err(unknown));
        assert_eq!(set("seed", "7\n"), Err(SettingError::Value { name: "seed".into() }));
    }

    #[test]
    fn settings_that_cannot_be_set_are_refused() {
        let refused = |settings| Description::try_from(told(settings)).unwrap_err().to_string();
        assert!(refused(vec![setting("k", ""), setting("k", "")]).contains("'k' twice"));
        assert!(refused(vec![setting("a b", "")]).contains("letters"));
        assert!(refused(vec![setting("k", "\n")]).contains("control"));
        assert!(refused(vec![setting("k", &"9".repeat(501))]).contains("too long"));
        assert!(refused((0..33).map(|i| setting(&i.to_string(), "")).collect()).contains("32"));
    }
}
