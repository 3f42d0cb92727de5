//! Whose a name is where several plugins give themselves the same.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::catalogue::Entry;

/// The owner of each name, by kind and name.
#[derive(Default)]
pub(crate) struct Names {
    owners: BTreeMap<(&'static str, String), Owner>,
}

struct Owner {
    file: PathBuf,
    digest: String,
}

impl Names {
    /// Gives each name to one entry: to that of the file that had it, else to what was in that
    /// file and lies in another now, else to the first. A plugin that comes later takes no name
    /// from one that is in use, whatever its file is called.
    pub(crate) fn assign(&mut self, entries: &mut [Entry]) {
        let mut claims: BTreeMap<(&'static str, String), Vec<usize>> = BTreeMap::new();
        for (i, entry) in entries.iter_mut().enumerate().filter(|(_, e)| e.loaded.is_ok()) {
            entry.taken_by = None;
            claims.entry((entry.kind(), entry.name().to_owned())).or_default().push(i);
        }
        let mut owners = BTreeMap::new();
        for (name, claimants) in claims {
            let before = self.owners.get(&name);
            let had_it = |i: &&usize| before.is_some_and(|o| o.file == entries[**i].file);
            let is_it =
                |i: &&usize| before.is_some_and(|o| entries[**i].digest() == Some(&o.digest));
            let owner = claimants
                .iter()
                .find(had_it)
                .or_else(|| claimants.iter().find(is_it))
                .or(claimants.first());
            let Some(&owner) = owner else { continue };
            let file = entries[owner].file.clone();
            let digest = entries[owner].digest().unwrap_or_default().to_owned();
            for i in claimants.into_iter().filter(|i| *i != owner) {
                entries[i].taken_by = Some(file.clone());
            }
            owners.insert(name, Owner { file, digest });
        }
        self.owners = owners;
    }
}
