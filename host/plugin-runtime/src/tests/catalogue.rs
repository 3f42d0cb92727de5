//! Folders of plugins.

use std::fs;
use std::path::Path;

use crate::tests::support::{HashBodies, built, dist, runtime};
use crate::{Catalogue, Entry, State};

fn scan(folders: &[&Path]) -> Catalogue {
    Catalogue::scan(&runtime(), &folders.iter().map(|f| f.to_path_buf()).collect::<Vec<_>>())
}

fn names(catalogue: &Catalogue) -> Vec<(&str, &str)> {
    catalogue.entries().map(|e| (e.name(), e.kind())).collect()
}

fn reason(entry: &Entry) -> String {
    match entry.state() {
        State::Refused(reason) => reason,
        State::Loaded(_) => panic!("{} is loaded", entry.name()),
    }
}

fn refused(catalogue: &Catalogue) -> Vec<String> {
    catalogue.entries().filter(|e| !e.is_loaded()).map(reason).collect()
}

#[test]
fn the_built_plugins_are_found_by_name() {
    built("quadratic"); // says how to build them where they are not
    let catalogue = scan(&[&dist()]);
    let found = names(&catalogue);
    for expected in [("md5", "hash"), ("quadratic", "hash"), ("virtual-node", "hash")] {
        assert!(found.contains(&expected), "{found:?}");
    }
    assert!(found.is_sorted());
    assert_eq!(catalogue.hash("quadratic").unwrap().slot(1, 512), Ok(20));
    assert!(catalogue.placement("spread").is_some());
    assert!(catalogue.hash("spread").is_none(), "a policy is no hash function");
    assert!(catalogue.hash("sha1").is_none());
}

#[test]
fn a_file_that_is_no_plugin_is_listed_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("broken.wasm"), "junk").unwrap();
    fs::write(folder.path().join("notes.txt"), "not looked at").unwrap();
    let catalogue = scan(&[folder.path(), Path::new("/nowhere")]);
    let entries: Vec<&Entry> = catalogue.entries().collect();
    let [broken] = entries[..] else { panic!("{:?}", names(&catalogue)) };
    assert_eq!((broken.name(), broken.kind(), broken.size()), ("broken", "unknown", 4));
    assert!(!broken.is_loaded() && broken.digest().is_none());
    assert!(reason(broken).contains("no WebAssembly component"), "{}", reason(broken));
}

#[test]
fn a_name_belongs_to_the_first_that_has_it() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(first.path().join("z.wasm"), built("quadratic")).unwrap();
    fs::write(second.path().join("a.wasm"), built("quadratic")).unwrap();
    let mut catalogue = scan(&[first.path(), second.path()]);
    let owner = first.path().join("z.wasm");
    assert_eq!(refused(&catalogue), [format!("{} has its name", owner.display())]);
    assert!(catalogue.hash("quadratic").is_some());
    fs::remove_file(owner).unwrap();
    catalogue.refresh();
    assert_eq!(refused(&catalogue), Vec::<String>::new());
    assert!(catalogue.hash("quadratic").is_some());
}

#[test]
fn refreshing_loads_what_changed_and_only_that() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.wasm");
    let counting = "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (global.get $calls)";
    let counts = HashBodies { slot: counting, ..HashBodies::default() }.component();
    fs::write(&file, counts).unwrap();
    let mut catalogue = scan(&[folder.path()]);
    assert_eq!(catalogue.hash("hostile").unwrap().slot(0, 9), Ok(1));
    catalogue.refresh();
    let kept = catalogue.hash("hostile").unwrap();
    assert_eq!(kept.slot(0, 9), Ok(2), "the same plugin, with its instance");

    fs::write(&file, built("quadratic")).unwrap();
    catalogue.refresh();
    assert_eq!(names(&catalogue), [("quadratic", "hash")]);
    assert_eq!(kept.slot(0, 9), Ok(3), "who holds the old one can go on with it");

    fs::write(&file, "junk").unwrap();
    catalogue.refresh();
    assert!(catalogue.hash("quadratic").is_none());
    fs::remove_file(&file).unwrap();
    catalogue.refresh();
    assert_eq!(names(&catalogue), []);
}
