//! Whose a name is where several plugins give themselves the same.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::entry::Entry;

/// The owner of each name, by kind and name.
#[derive(Default)]
pub(crate) struct Names {
    owners: BTreeMap<(String, String), Owner>,
}

#[derive(Clone)]
struct Owner {
    file: PathBuf,
    digest: String,
}

impl Owner {
    fn of(entry: &Entry) -> Self {
        let digest = entry.digest().unwrap_or_default().to_owned();
        Owner { file: entry.file.clone(), digest }
    }
}

impl Names {
    /// Gives each name to one entry: to that of the file that had it, else to what was in that
    /// file and lies in another now, else to the first. A plugin that comes later takes no name
    /// from one that is in use, whatever its file is called. While some files are yet to be tried
    /// a name whose owner is missing goes to nobody: one of them may be it.
    pub(crate) fn assign(&mut self, entries: &mut [Entry], settled: bool) {
        let mut claims: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
        for (i, entry) in entries.iter().enumerate().filter(|(_, e)| e.admitted().is_some()) {
            claims.entry((entry.kind().to_owned(), entry.name().to_owned())).or_default().push(i);
        }
        let mut owners = if settled { BTreeMap::new() } else { self.owners.clone() };
        for (name, claimants) in claims {
            let before = self.owners.get(&name);
            let had_it = |i: &&usize| before.is_some_and(|o| o.file == entries[**i].file);
            let is_it =
                |i: &&usize| before.is_some_and(|o| entries[**i].digest() == Some(&o.digest));
            let free = settled || before.is_none();
            let chosen = claimants
                .iter()
                .find(had_it)
                .or_else(|| claimants.iter().find(is_it))
                .or_else(|| claimants.first().filter(|_| free))
                .map(|i| Owner::of(&entries[*i]));
            let Some(owner) = chosen.or_else(|| before.cloned()) else { continue };
            for i in claimants {
                let entry = &mut entries[i];
                entry.taken_by = (entry.file != owner.file).then(|| owner.file.clone());
            }
            owners.insert(name, owner);
        }
        self.owners = owners;
    }
}
