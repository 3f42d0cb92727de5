//! What is taken as a plugin, and the folder of compiled ones.

use std::fs;
use std::path::{Path, PathBuf};

use ringwright_test_plugins::{HashBodies, built, built_for_0_1_0};

use crate::tests::support::{hash, patient, placement, runtime, servers, settings};
use crate::{
    CallError, Cluster, Goal, LoadError, Node, PlacedShard, Plugin, Runtime, Settings, Traits,
};

fn refusal(bytes: &[u8]) -> LoadError {
    runtime().load(bytes).unwrap_err()
}

#[test]
fn what_is_no_plugin_is_refused_with_a_reason() {
    let wat = |text: &str| wat::parse_str(text).unwrap();
    assert!(matches!(refusal(b"not wasm at all"), LoadError::NotAComponent(_)));
    assert!(matches!(refusal(&wat("(module)")), LoadError::NotAComponent(_)));
    assert_eq!(refusal(&wat("(component)")), LoadError::NotAPlugin);
    let imports = refusal(&wat(r#"(component (import "clock" (func)))"#));
    let LoadError::Imports(what) = imports else { panic!("{imports}") };
    assert!(what.contains("clock"), "{what}");
    let empty = wat(r#"(component (instance $i)
        (export "ringwright:plugin/hash@0.1.0" (instance $i)))"#);
    assert!(matches!(refusal(&empty), LoadError::Interface(_)));
}

#[test]
fn a_file_may_be_so_large_and_no_larger() {
    let bytes = built("quadratic");
    let (size, most) = (bytes.len(), bytes.len() - 1);
    let with = |component_bytes| Runtime::new(Settings { component_bytes, ..settings() }).unwrap();
    assert_eq!(with(most).load(&bytes).unwrap_err(), LoadError::Size { size, most });
    assert!(with(size).load(&bytes).is_ok());
}

#[test]
fn a_name_that_cannot_be_shown_is_refused() {
    let named = |name| HashBodies { name, ..HashBodies::default() }.component();
    assert!(matches!(refusal(&named("../etc/")), LoadError::Description(_)));
    assert!(matches!(refusal(&named(r"a\0abcde")), LoadError::Description(_)));
    assert!(runtime().load(&named("a-b_c.d")).is_ok());
}

#[test]
fn a_plugin_tells_what_it_is() {
    let bytes = built("md5");
    let plugin = runtime().load(&bytes).unwrap();
    assert_eq!((plugin.kind(), plugin.size()), ("hash", bytes.len()));
    assert_eq!(plugin.description().name, "md5");
    assert_eq!(plugin.digest().len(), 64);
    assert_eq!(runtime().load(&built("spread")).unwrap().kind(), "placement");
    let traits = |name| hash(runtime().load(&built(name))).traits();
    assert!(traits("md5").virtual_nodes && !traits("quadratic").virtual_nodes);
    // weighted, then virtual nodes and tail only, then the most servers.
    let declare = "(i32.store (i32.const 512) (i32.const 0x010001))
        (i32.store8 (i32.const 516) (i32.const 1)) (i32.store (i32.const 520) (i32.const 7))
        (i32.const 512)";
    let told = hash(runtime().load(&HashBodies { declare, ..HashBodies::default() }.component()));
    let (weighted, tail_only) = (true, true);
    let expected = Traits { weighted, virtual_nodes: false, tail_only, max_servers: Some(7) };
    assert_eq!(told.traits(), expected);
}

/// What wit/README.md promises: a later 0.1.x loads as it is, another minor version does not.
#[test]
fn later_patches_of_the_package_load_and_other_versions_do_not() {
    let built_for = |version| HashBodies { version, ..HashBodies::default() }.component();
    let later = hash(runtime().load(&built_for("0.1.7")));
    assert_eq!(later.slot(1, 512), Ok(3));
    assert_eq!(runtime().load(&built_for("0.1.7")).unwrap().api(), "0.1.7");
    for other in ["0.2.0", "1.0.0"] {
        let refusal = refusal(&built_for(other)).to_string();
        assert!(refusal.contains(&format!("for version {other}")), "{refusal}");
        assert!(refusal.contains("loads 0.1.x"), "{refusal}");
    }
}

/// Files that are never made again: they show that what was built then still means the same.
#[test]
fn plugins_built_for_the_first_version_are_admitted() {
    let admitted = |bytes: Vec<u8>| {
        let (report, plugin) = patient().examine("first", &bytes);
        assert_eq!((report.refusal(), report.api.as_deref()), (None, Some("0.1.0")));
        Ok(plugin.unwrap())
    };
    let [fibonacci, trivial] = built_for_0_1_0();
    let plugin = hash(admitted(fibonacci));
    assert_eq!(plugin.description().name, "fibonacci");
    // 7 · 0x9e3779b97f4a7c15 mod 2⁶⁴ mod 512
    assert_eq!(plugin.slot(7, 512), Ok(0x93));
    let slots: Vec<u32> =
        plugin.table(&servers(3), 9, 512).unwrap().points().iter().map(|p| p.slot).collect();
    assert_eq!(slots, [275, 354, 433]); // multiples of 0x9e3779b1 mod 512, which is 433

    let plugin = placement(admitted(trivial));
    assert_eq!(plugin.description().name, "trivial");
    let node = |server| Node { server, accepts: true, requests: None, capacity: None };
    let shard = |id: &str| PlacedShard {
        id: id.to_owned(),
        size: 0,
        rows: None,
        bytes: None,
        requests: None,
        copies: 2,
        held_by: Vec::new(),
    };
    let nodes = servers(3).into_iter().map(node).collect();
    let mut cluster = Cluster { nodes, shards: ["a", "b", "c"].map(shard).into() };
    let moves = plugin.plan(&cluster, &Goal::Place).unwrap();
    let targets: Vec<(u32, u32)> = moves.iter().map(|m| (m.shard, m.target)).collect();
    assert_eq!(targets, [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 0)]);
    cluster.shards.pop();
    assert!(matches!(plugin.plan(&cluster, &Goal::Place), Err(CallError::Refused(_))));
}

#[test]
fn texts_are_cut_before_anyone_sees_them() {
    let import = "x".repeat(10_000);
    let text = format!(r#"(component (import "{import}" (func)))"#);
    assert!(refusal(&wat::parse_str(text).unwrap()).to_string().len() < 700);
}

fn cached(folder: &Path) -> Runtime {
    Runtime::new(Settings { cache_dir: Some(folder.to_owned()), ..settings() }).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect()
}

#[test]
fn a_compiled_plugin_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("compiled");
    let quadratic = cached(&kept).load(&built("quadratic")).unwrap();
    let spread = cached(&kept).load(&built("spread")).unwrap();
    let of = |plugin: &Plugin| {
        let name = |p: &PathBuf| p.to_string_lossy().contains(plugin.digest());
        files(&kept).into_iter().find(name).unwrap()
    };
    // Only a host that runs what it kept takes one for the other.
    fs::copy(of(&spread), of(&quadratic)).unwrap();
    assert_eq!(cached(&kept).load(&built("quadratic")).unwrap().kind(), "placement");
}

#[test]
fn a_damaged_one_is_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = built("quadratic");
    cached(folder.path()).load(&bytes).unwrap();
    let [file] = files(folder.path()).try_into().unwrap();
    let whole = fs::read(&file).unwrap();
    let mut rotten = whole.clone();
    let middle = rotten.len() / 2;
    rotten[middle] ^= 1;
    for damaged in [&whole[..whole.len() / 2], &rotten, b""] {
        fs::write(&file, damaged).unwrap();
        assert_eq!(hash(cached(folder.path()).load(&bytes)).slot(1, 512), Ok(20));
        assert_eq!(fs::read(&file).unwrap(), whole, "it is whole again");
    }
}
