//! What is taken as a plugin, and the folder of compiled ones.

use std::fs;
use std::path::{Path, PathBuf};

use crate::tests::support::{HashBodies, built, hash, runtime, settings};
use crate::{LoadError, Plugin, Runtime, Settings};

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
