//! The plugins to compare: the hash functions among some files.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use ringwright_plugin_runtime::{HashPlugin, Plugin, Runtime};

use crate::Left;

/// What there is to compare.
#[derive(Default)]
pub struct Gathered {
    /// By name.
    pub subjects: Vec<Subject>,
    /// The files that cannot be compared.
    pub left_out: Vec<Left>,
}

/// A plugin to compare.
pub struct Subject {
    /// What it is called here: no two have one name.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// The size of the file.
    pub bytes: usize,
    /// The plugin.
    pub plugin: HashPlugin,
}

/// Loads files, and the `*.wasm` of folders. What cannot be loaded is left out with its reason.
pub fn gather(runtime: &Runtime, paths: &[PathBuf]) -> Gathered {
    let mut gathered = Gathered::default();
    let mut seen = BTreeSet::new();
    for path in paths {
        match files(path) {
            Ok(files) => {
                for file in files {
                    if seen.insert(fs::canonicalize(&file).unwrap_or_else(|_| file.clone())) {
                        gathered.add(runtime, file);
                    }
                }
            }
            Err(error) => gathered.leave(path, error.to_string()),
        }
    }
    gathered.subjects.sort_by(|a, b| (&a.name, &a.file).cmp(&(&b.name, &b.file)));
    tell_apart(&mut gathered.subjects);
    gathered
}

impl Gathered {
    fn add(&mut self, runtime: &Runtime, file: PathBuf) {
        match load(runtime, &file) {
            Ok(loaded) => {
                let (name, bytes) = (loaded.description().name.clone(), loaded.size());
                match loaded {
                    Plugin::Hash(plugin) => {
                        self.subjects.push(Subject { name, file, bytes, plugin });
                    }
                    Plugin::Placement(_) => {
                        self.leave(&file, format!("{name} is a placement policy"));
                    }
                }
            }
            Err(reason) => self.leave(&file, reason),
        }
    }

    fn leave(&mut self, file: &Path, reason: String) {
        self.left_out.push(Left { file: file.display().to_string(), reason });
    }
}

/// A file, or the plugin files of a folder.
fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
    let all = entries.into_iter().map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        all.filter(|f| f.is_file() && f.extension().is_some_and(|e| e == "wasm")).collect();
    files.sort();
    Ok(files)
}

/// Loads a file, whatever it makes the compiler do.
fn load(runtime: &Runtime, file: &Path) -> Result<Plugin, String> {
    let bytes = fs::read(file).map_err(|e| e.to_string())?;
    match catch_unwind(AssertUnwindSafe(|| runtime.load(&bytes))) {
        Ok(loaded) => loaded.map_err(|e| e.to_string()),
        Err(_) => Err("the runtime failed over it".to_owned()),
    }
}

/// Numbers those that have a name another has already.
fn tell_apart(subjects: &mut [Subject]) {
    let mut names = BTreeSet::new();
    for subject in subjects {
        let told = subject.name.clone();
        let mut number = 1;
        while !names.insert(subject.name.clone()) {
            number += 1;
            subject.name = format!("{told} ({number})");
        }
    }
}
