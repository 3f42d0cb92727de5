//! A corpus of plugins that mean harm, one a behaviour.

mod files;
mod hash;
mod policy;

use crate::HashBodies;

/// A plugin that means harm.
pub struct Hostile {
    /// What it does; also a file name, without its extension.
    pub name: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
    /// What the host is to do about it.
    pub fate: Fate,
}

/// What becomes of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It does not load.
    RefusedAtLoad,
    /// It loads, and is found out when it is tried.
    RefusedByAdmission,
    /// It passes, under the name of its file, and does harm later.
    WorksThenBreaks,
    /// It passes, under the name of its file: it is useless, and keeps its word.
    Admitted,
}

/// All of them.
pub fn corpus() -> Vec<Hostile> {
    let mut all = files::files();
    all.extend(files::loading());
    all.extend(hash::slots());
    all.extend(hash::layouts());
    all.extend(policy::plans());
    all
}

fn bodies(name: &'static str, fate: Fate, bodies: HashBodies) -> Hostile {
    Hostile { name, bytes: HashBodies { name, ..bodies }.component(), fate }
}

fn default() -> HashBodies {
    HashBodies::default()
}

const LOOP: &str = "(loop $l (br $l)) (unreachable)";
const BOMB: &str = "(loop $l (drop (memory.grow (i32.const 8))) (br $l)) (unreachable)";
