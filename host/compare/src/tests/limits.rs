//! What cannot be is no figure but a reason, and stops nothing.

use std::fs;
use std::path::PathBuf;

use ringwright_test_plugins::HashBodies;

use super::support::{comparison, gathered, of, small};
use crate::native::twin;
use crate::{Change, Keys, Scope, compare};

#[test]
fn what_a_function_refuses_is_said_in_its_words() {
    // 60 servers of 9 virtual nodes on 512 slots.
    let ring = of("virtual-node");
    let full: Vec<_> = ring.spreads.iter().filter(|s| s.servers == 60).collect();
    assert_eq!(full.len(), Keys::ALL.len());
    for spreads in full {
        let reason = spreads.spread.0.as_ref().unwrap_err();
        assert_eq!(reason, "60 servers of 9 virtual nodes do not fit on 512 slots");
    }
    let known = |s: &&crate::Spreads| s.servers == 10 && s.spread.known().is_some();
    assert_eq!(ring.spreads.iter().filter(known).count(), Keys::ALL.len());
    let refused = |m: &&crate::Moves| m.servers == 60 && m.moved.known().is_none();
    assert_eq!(ring.moves.iter().filter(refused).count(), Change::ALL.len());
    let nodes = ring.virtual_nodes.known().unwrap();
    let known: Vec<bool> = nodes.iter().map(|g| g.spread.known().is_some()).collect();
    assert_eq!(known, [true, true, false], "81 a server are too many");
}

#[test]
fn who_has_no_virtual_nodes_is_not_tried_with_more() {
    let reason = of("quadratic").virtual_nodes.0.as_ref().unwrap_err();
    assert!(reason.contains("no virtual nodes"), "{reason}");
}

/// A component of these bodies in a folder.
fn component(bodies: HashBodies) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("component.wasm");
    fs::write(&file, bodies.component()).unwrap();
    (folder, file)
}

#[test]
fn who_can_only_lose_the_last_is_not_asked_to_lose_another() {
    // The third of the traits is true.
    let declare = "(i32.store8 (i32.const 514) (i32.const 1)) (i32.const 512)";
    let (_folder, file) = component(HashBodies { declare, ..HashBodies::default() });
    let scope = Scope { keys: 1_000, ..small() };
    let comparison = compare(&gathered(&[file]), &scope, &|_| {});
    let tail = comparison.plugins.iter().find(|p| p.about.tail_only).unwrap();
    assert_eq!(tail.moves.len(), scope.servers.len() * Change::ALL.len());
    for moves in &tail.moves {
        let can = [Change::AddOne, Change::RemoveLast].contains(&moves.change);
        assert_eq!(moves.moved.known().is_some(), can, "{moves:?}");
        if !can {
            assert!(moves.moved.0.as_ref().unwrap_err().contains("only lose the last"));
        }
    }
}

#[test]
fn a_twin_must_be_the_same_function() {
    let gathered = gathered(&[]);
    let md5 = &gathered.subjects.iter().find(|s| s.name == "md5").unwrap().plugin;
    let keys = Keys::Uniform.draw(100);
    let twin = |name| twin(name, md5, &keys, 512).map(drop);
    assert_eq!(twin("md5"), Ok(()));
    assert!(twin("quadratic").unwrap_err().contains("another function"));
    assert!(twin("unheard-of").unwrap_err().contains("not compiled into"));
}

#[test]
fn two_of_one_name_are_told_apart() {
    let (_one, a) = component(HashBodies::default());
    let (_other, b) = component(HashBodies::default());
    let names: Vec<String> =
        gathered(&[a, b]).subjects.into_iter().map(|subject| subject.name).collect();
    let ours: Vec<&String> = names.iter().filter(|name| name.starts_with("hostile")).collect();
    assert_eq!(ours, ["hostile", "hostile (2)"]);
}

#[test]
fn files_that_cannot_be_compared_are_listed_and_stop_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.wasm");
    fs::write(&broken, "no component").unwrap();
    let nowhere = folder.path().join("nowhere");
    let built = ringwright_test_plugins::dist().join("md5.wasm");
    let gathered = gathered(&[folder.path().to_owned(), nowhere, built]);
    assert!(gathered.subjects.len() >= 3);
    let md5 = gathered.subjects.iter().find(|s| s.name == "md5").unwrap().plugin.digest();
    let same = gathered.subjects.iter().filter(|s| s.plugin.digest() == md5);
    assert_eq!(same.count(), 1, "a file that is named twice is one");
    let reason = |file: &str| {
        let found = gathered.left_out.iter().find(|left| left.file.ends_with(file));
        found.map(|left| left.reason.clone()).unwrap_or_default()
    };
    assert!(reason("broken.wasm").contains("no WebAssembly component"), "{:?}", gathered.left_out);
    assert!(reason("nowhere").contains("No such file"), "{:?}", gathered.left_out);
    assert!(reason("spread.wasm").contains("placement policy"), "{:?}", gathered.left_out);
}

#[test]
fn every_step_is_told() {
    let gathered = gathered(&[]);
    let told = std::sync::atomic::AtomicU64::new(0);
    compare(&gathered, &small(), &|_| {
        told.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(told.into_inner(), crate::steps(gathered.subjects.len(), &small()));
}

#[test]
fn a_cost_is_known() {
    let cost = &of("quadratic").cost;
    for ns in [&cost.lookup_ns, &cost.scalar_ns, &cost.batch_ns] {
        assert!(*ns.known().unwrap() > 0.0);
    }
    let gathered = gathered(&[]);
    let fresh = gathered.subjects.iter().find(|s| s.name == "quadratic").unwrap();
    let fresh = fresh.plugin.seated().instance_bytes().unwrap();
    assert!(*cost.instance_bytes.known().unwrap() >= fresh + (512 << 10), "65,536 ids of 8 bytes");
    assert_eq!(cost.builds.iter().filter(|b| b.milliseconds.known().is_some()).count(), 1);
    assert_eq!(comparison().chance.len(), 2 * 4);
}
