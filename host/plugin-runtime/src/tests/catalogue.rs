//! Folders of plugins.

use std::fs;
use std::path::Path;

use ringwright_test_plugins::{HashBodies, built, dist};

use crate::tests::support::{runtime, settings};
use crate::{Catalogue, Entry, Listing, Runtime, Settings, State};

fn scan(folders: &[&Path]) -> Catalogue {
    Catalogue::scan(&runtime(), &folders.iter().map(|f| f.to_path_buf()).collect::<Vec<_>>())
}

fn names(listing: &Listing) -> Vec<(&str, &str)> {
    listing.entries().map(|e| (e.name(), e.kind())).collect()
}

fn reason(entry: &Entry) -> String {
    match entry.state() {
        State::Refused(reason) => reason,
        State::Loaded(_) => panic!("{} is loaded", entry.name()),
    }
}

fn refused(catalogue: &Catalogue) -> Vec<String> {
    catalogue.listing().entries().filter(|e| !e.is_loaded()).map(reason).collect()
}

#[test]
fn the_built_plugins_are_found_by_name() {
    built("quadratic"); // says how to build them where they are not
    let catalogue = scan(&[&dist()]);
    let catalogue = catalogue.listing();
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
    let catalogue = catalogue.listing();
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
    assert!(catalogue.listing().hash("quadratic").is_some());
    fs::remove_file(owner).unwrap();
    catalogue.refresh();
    assert_eq!(refused(&catalogue), Vec::<String>::new());
    assert!(catalogue.listing().hash("quadratic").is_some());
}

/// A hash plugin called `hostile`, told apart by the slot it answers.
fn answering(slot: &'static str) -> Vec<u8> {
    HashBodies { slot, ..HashBodies::default() }.component()
}

fn answer(catalogue: &Catalogue) -> u32 {
    catalogue.listing().hash("hostile").unwrap().slot(0, 9).unwrap()
}

#[test]
fn a_newcomer_takes_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("m.wasm"), answering("(i32.const 1)")).unwrap();
    let mut catalogue = scan(&[folder.path()]);
    fs::write(at("a.wasm"), answering("(i32.const 2)")).unwrap();
    catalogue.refresh();
    assert_eq!(answer(&catalogue), 1);
    assert_eq!(refused(&catalogue), [format!("{} has its name", at("m.wasm").display())]);
    fs::rename(at("m.wasm"), at("z.wasm")).unwrap();
    catalogue.refresh();
    assert_eq!(answer(&catalogue), 1, "it has its name under any other file name");
    fs::remove_file(at("z.wasm")).unwrap();
    catalogue.refresh();
    assert_eq!(answer(&catalogue), 2);
}

#[test]
fn refreshing_loads_what_changed_and_only_that() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.wasm");
    let counting = "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (global.get $calls)";
    fs::write(&file, answering(counting)).unwrap();
    let mut catalogue = scan(&[folder.path()]);
    assert_eq!(answer(&catalogue), 1);
    catalogue.refresh();
    assert_eq!(answer(&catalogue), 2, "the same plugin, with its instance");

    let kept = catalogue.listing().hash("hostile").unwrap().clone();
    fs::write(&file, built("quadratic")).unwrap();
    catalogue.refresh();
    catalogue.refresh();
    assert_eq!(names(&catalogue.listing()), [("quadratic", "hash")]);
    assert_eq!(kept.slot(0, 9), Ok(3), "who holds the old one can go on with it");

    fs::write(&file, "junk").unwrap();
    catalogue.refresh();
    catalogue.refresh();
    assert!(catalogue.listing().hash("quadratic").is_none());
    fs::remove_file(&file).unwrap();
    catalogue.refresh();
    assert_eq!(names(&catalogue.listing()), []);
}

#[test]
fn half_a_copy_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.wasm");
    fs::write(&file, answering("(i32.const 1)")).unwrap();
    let mut catalogue = scan(&[folder.path()]);
    let new = answering("(i32.const 2)");
    for length in [10, 20, new.len()] {
        fs::write(&file, &new[..length]).unwrap();
        catalogue.refresh();
        catalogue.refresh_new();
        catalogue.refresh_new();
        assert_eq!(answer(&catalogue), 1, "after {length} bytes");
    }
    catalogue.refresh();
    assert_eq!(answer(&catalogue), 2);
}

#[test]
fn what_could_not_be_used_is_tried_again_as_soon_as_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.wasm");
    let new = answering("(i32.const 1)");
    fs::write(&file, &new[..10]).unwrap();
    let mut catalogue = scan(&[folder.path()]);
    assert_eq!(refused(&catalogue).len(), 1);
    fs::write(&file, new).unwrap();
    catalogue.refresh();
    assert_eq!(answer(&catalogue), 1);
}

#[test]
fn another_file_of_one_length_and_time_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let (file, other) = (folder.path().join("p.wasm"), folder.path().join("other"));
    let (old, new) = (answering("(i32.const 1)"), answering("(i32.const 2)"));
    assert_eq!(old.len(), new.len());
    fs::write(&file, old).unwrap();
    let mut catalogue = scan(&[folder.path()]);
    fs::write(&other, new).unwrap();
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    fs::File::options().write(true).open(&other).unwrap().set_modified(time).unwrap();
    fs::rename(&other, &file).unwrap();
    catalogue.refresh();
    catalogue.refresh();
    assert_eq!(answer(&catalogue), 2);
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("huge.wasm");
    fs::File::create(&file).unwrap().set_len(1 << 40).unwrap(); // with a hole in it
    let runtime = Runtime::new(Settings { component_bytes: 1000, ..settings() }).unwrap();
    let catalogue = Catalogue::scan(&runtime, &[folder.path().to_owned()]);
    let [reason] = refused(&catalogue).try_into().unwrap();
    assert!(reason.contains("more than the 1000 bytes"), "{reason}");
}
