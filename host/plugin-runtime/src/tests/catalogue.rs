//! Folders of plugins.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use ringwright_test_plugins::{HashBodies, built, corpus, dist};

use crate::tests::support::{patient, settings};
use crate::{Catalogue, Entry, Listing, Runtime, Settings, State};

fn scan(folders: &[&Path]) -> Catalogue {
    Catalogue::scan(&patient(), &folders.iter().map(|f| f.to_path_buf()).collect::<Vec<_>>())
}

fn names(listing: &Listing) -> Vec<(&str, &str)> {
    listing.entries().map(|e| (e.name(), e.kind())).collect()
}

fn reason(entry: &Entry) -> String {
    match entry.state() {
        State::Refused(reason) => reason,
        State::Loaded(_) | State::Checking => panic!("{} is not refused", entry.name()),
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
    assert!(!broken.is_loaded());
    assert_eq!(broken.digest().unwrap().len(), 64);
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
    fs::write(at("m.wasm"), answering("(i32.rem_u (i32.const 1) (local.get 1))")).unwrap();
    let mut catalogue = scan(&[folder.path()]);
    fs::write(at("a.wasm"), answering("(i32.rem_u (i32.const 2) (local.get 1))")).unwrap();
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
    fs::write(&file, answering("(i32.rem_u (i32.const 3) (local.get 1))")).unwrap();
    let mut catalogue = scan(&[folder.path()]);
    let plugin = |catalogue: &Catalogue| {
        std::ptr::from_ref(catalogue.listing().hash("hostile").unwrap().about())
    };
    let before = plugin(&catalogue);
    catalogue.refresh();
    assert_eq!(plugin(&catalogue), before, "the same plugin, which was not loaded again");

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
    fs::write(&file, answering("(i32.rem_u (i32.const 1) (local.get 1))")).unwrap();
    let mut catalogue = scan(&[folder.path()]);
    let new = answering("(i32.rem_u (i32.const 2) (local.get 1))");
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
    let new = answering("(i32.rem_u (i32.const 1) (local.get 1))");
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
    let (old, new) = (
        answering("(i32.rem_u (i32.const 1) (local.get 1))"),
        answering("(i32.rem_u (i32.const 2) (local.get 1))"),
    );
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

/// What each listing says of the files, as it comes.
fn told(catalogue: &mut Catalogue) -> std::sync::mpsc::Receiver<Vec<(String, &'static str)>> {
    let (tell, told) = std::sync::mpsc::channel();
    catalogue.publish_to(move |listing| {
        let state = |e: &Entry| match e.state() {
            State::Loaded(_) => "loaded",
            State::Refused(_) => "refused",
            State::Checking => "checking",
        };
        tell.send(listing.entries().map(|e| (e.name().to_owned(), state(e))).collect()).unwrap();
    });
    told
}

#[test]
fn a_file_is_listed_before_it_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let mut catalogue = scan(&[folder.path()]);
    let told = told(&mut catalogue);
    fs::write(folder.path().join("a.wasm"), "junk").unwrap();
    fs::write(folder.path().join("b.wasm"), built("quadratic")).unwrap();
    catalogue.refresh();
    let is = |name: &str, state: &'static str| (name.to_owned(), state);
    let expected = [
        vec![is("a", "checking"), is("b", "checking")],
        vec![is("a", "refused"), is("b", "checking")],
        vec![is("a", "refused"), is("quadratic", "loaded")],
    ];
    assert_eq!(told.try_iter().collect::<Vec<_>>(), expected);
    catalogue.refresh();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [expected[2].clone()], "nothing is tried");
}

#[test]
fn a_file_that_comes_while_another_is_tried_is_listed_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let slow = corpus().into_iter().find(|h| h.name == "slow-everywhere").unwrap();
    fs::write(folder.path().join("b.wasm"), &slow.bytes).unwrap();
    let patience = Duration::from_secs(60);
    let settings = Settings {
        slot_deadline: patience,
        work_deadline: patience,
        trial_deadline: Duration::from_secs(4),
        ..settings()
    };
    let mut catalogue =
        Catalogue::open(&Runtime::new(settings).unwrap(), &[folder.path().to_owned()]);
    let told = told(&mut catalogue);
    let refreshing = thread::spawn(move || catalogue.refresh());
    let first = told.recv().unwrap();
    fs::write(folder.path().join("a.wasm"), "junk").unwrap();
    refreshing.join().unwrap();
    let is = |name: &str, state: &'static str| (name.to_owned(), state);
    assert_eq!(first, [is("b", "checking")]);
    let expected = [
        vec![is("a", "checking"), is("b", "checking")],
        vec![is("a", "checking"), is("slow-everywhere", "refused")],
        vec![is("a", "refused"), is("slow-everywhere", "refused")],
    ];
    assert_eq!(told.try_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn what_is_loaded_stays_until_its_successor_has_been_tried() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.wasm");
    fs::write(&file, built("quadratic")).unwrap();
    let mut catalogue = scan(&[folder.path()]);
    let told = told(&mut catalogue);
    fs::write(&file, "junk").unwrap();
    catalogue.refresh();
    catalogue.refresh();
    let states: Vec<&str> = told.try_iter().map(|l| l[0].1).collect();
    assert_eq!(states, ["loaded", "loaded", "refused"]);
}

#[test]
fn a_name_waits_for_its_owner_while_files_are_tried() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("m.wasm"), answering("(i32.rem_u (i32.const 1) (local.get 1))")).unwrap();
    let mut catalogue = scan(&[folder.path()]);
    let told = told(&mut catalogue);
    fs::rename(at("m.wasm"), at("z.wasm")).unwrap();
    fs::write(at("a.wasm"), answering("(i32.rem_u (i32.const 2) (local.get 1))")).unwrap();
    catalogue.refresh();
    assert_eq!(answer(&catalogue), 1);
    for listing in told.try_iter() {
        let loaded = listing.iter().filter(|(_, state)| *state == "loaded").count();
        let untried = listing.iter().any(|(_, state)| *state == "checking");
        assert_eq!(loaded, usize::from(!untried), "{listing:?}");
    }
}

#[test]
fn a_refused_plugin_is_listed_with_what_is_known_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let bad = HashBodies { slot: "(local.get 1)", name: "a-liar", ..HashBodies::default() };
    fs::write(folder.path().join("p.wasm"), bad.component()).unwrap();
    let other = HashBodies { version: "0.2.0", ..HashBodies::default() };
    fs::write(folder.path().join("q.wasm"), other.component()).unwrap();
    let listing = scan(&[folder.path()]).listing();
    let [liar, other] = listing.entries().collect::<Vec<_>>()[..] else { panic!("not two") };
    assert_eq!((liar.name(), liar.kind(), liar.api()), ("a-liar", "hash", Some("0.1.0")));
    assert_eq!(reason(liar), liar.report().unwrap().refusal().unwrap());
    assert!(listing.hash("a-liar").is_none());
    assert_eq!((other.name(), other.kind(), other.api()), ("q", "unknown", Some("0.2.0")));
    assert_eq!(other.digest().unwrap().len(), 64);
    assert!(reason(other).contains("0.1.x"), "{}", reason(other));
    assert_eq!(other.report().unwrap().checks[0].name, "loads");
}

#[test]
fn what_is_sought_is_tried_first_and_the_rest_later() {
    let folder = tempfile::tempdir().unwrap();
    for (file, plugin) in [("a", "md5"), ("b", "virtual-node"), ("z", "quadratic")] {
        fs::write(folder.path().join(file).with_extension("wasm"), built(plugin)).unwrap();
    }
    let mut catalogue = Catalogue::open(&patient(), &[folder.path().to_owned()]);
    assert_eq!(catalogue.listing().entries().count(), 0);
    catalogue.seek(&["z"], |listing| listing.hash("quadratic").is_some());
    let states = |catalogue: &Catalogue| -> Vec<bool> {
        catalogue.listing().entries().map(Entry::is_loaded).collect()
    };
    assert_eq!(names(&catalogue.listing())[..2], [("a", "unknown"), ("b", "unknown")]);
    assert_eq!(states(&catalogue), [false, false, true]);
    catalogue.refresh();
    assert_eq!(states(&catalogue), [true; 3]);
    catalogue.seek(&["nobody"], |listing| listing.hash("nobody").is_some());
    assert_eq!(states(&catalogue), [true; 3], "what is not there is not found");
}
