//! `plugin`: a new one, from its first line to its swap.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::program::{Balancer, ringwright, run, text};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A plugin that `make plugins` built.
fn built(name: &str) -> PathBuf {
    Path::new(REPOSITORY).join("plugins/dist").join(format!("{name}.wasm"))
}

/// Makes a plugin in a folder.
fn new(folder: &Path, args: &[&str]) -> Output {
    run(&[&["plugin", "new", "--dir", folder.to_str().unwrap()], args].concat())
}

fn plugin(command: &str, file: &Path, more: &[&str]) -> Output {
    run(&[&["plugin", command, file.to_str().unwrap()], more].concat())
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

/// Runs a script of a plugin's folder. It finds the crates it needs where the plugins that come
/// along have them, at the same versions.
fn script(folder: &Path, name: &str) -> String {
    let plugins = Path::new(REPOSITORY).join("plugins");
    std::fs::copy(plugins.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let mut command = Command::new("sh");
    let output = command
        .arg(folder.join(name))
        .env("CARGO_TARGET_DIR", plugins.join("target"))
        .env("RINGWRIGHT", env!("CARGO_BIN_EXE_ringwright"))
        .output()
        .unwrap();
    let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{told}");
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_hash_function_is_tested_built_admitted_and_swapped_in() {
    let folder = tempfile::tempdir().unwrap();
    let told = text(&new(folder.path(), &["first-hash"]).stdout);
    assert!(told.contains("src/lib.rs") && told.contains("plugin check"), "{told}");
    let made = folder.path().join("first-hash");
    assert!(script(&made, "test.sh").contains("4 passed"));
    script(&made, "build.sh");
    let file = made.join("first-hash.wasm");
    let report = plugin("check", &file, &["--output", "json"]);
    assert!(report.status.success(), "{report:?}");
    assert_eq!(json(&report)["name"], "first-hash");

    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::configured(data.path(), &[]).await;
    let of_balancer = |args: &[&str]| {
        let output = run(&[&["plugin"], args, &["--url", &balancer.url]].concat());
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    let uploaded = of_balancer(&["upload", file.to_str().unwrap()]);
    assert!(uploaded.contains("plugin swap first-hash"), "{uploaded}");
    let active = || {
        let list = of_balancer(&["list"]);
        let row = list.lines().find(|l| l.contains("first-hash")).unwrap_or_default().to_owned();
        row.contains("active")
    };
    assert!(!active());
    let bill = of_balancer(&["swap", "first-hash"]);
    assert!(bill.contains("request ids go to another server"), "{bill}");
    assert!(bill.contains("Server0") && bill.contains("--apply"), "{bill}");
    assert!(!active(), "a bill alone swapped");

    assert!(of_balancer(&["shadow"]).contains("no hash function is in the shadow"));
    assert_eq!(of_balancer(&["shadow", "--output", "json"]), "null\n");
    assert!(of_balancer(&["shadow", "md5"]).contains("md5 saw"));
    assert!(of_balancer(&["shadow", "--end"]).contains("md5 saw"));
    let swapped = of_balancer(&["swap", "first-hash", "--apply"]);
    assert!(swapped.ends_with("first-hash is active.\n"), "{swapped}");
    assert!(active());
    let set =
        of_balancer(&["swap", "spread", "--set", "apart=rack", "--apply", "--output", "json"]);
    let set: Value = serde_json::from_str(&set).unwrap();
    assert_eq!(
        (&set["applied"], &set["bill"]["placement"]["to"]),
        (&json!(true), &json!("spread"))
    );
}

#[test]
fn a_new_placement_policy_is_tested_built_and_admitted() {
    let folder = tempfile::tempdir().unwrap();
    assert!(new(folder.path(), &["my.policy", "--kind", "placement"]).status.success());
    let made = folder.path().join("my.policy");
    assert!(script(&made, "test.sh").contains("3 passed"));
    script(&made, "build.sh");
    // Another that is built in the same folder does not take its place.
    assert!(new(folder.path(), &["other"]).status.success());
    script(&folder.path().join("other"), "build.sh");
    script(&made, "build.sh");
    let checked = plugin("check", &made.join("my.policy.wasm"), &[]);
    assert!(text(&checked.stdout).starts_with("my.policy · placement"), "{checked:?}");
    assert!(text(&checked.stdout).contains("admitted, with a score of"), "{checked:?}");
}

#[test]
fn every_language_has_a_folder_with_all_it_takes() {
    let folder = tempfile::tempdir().unwrap();
    for (lang, source) in [("rust", "src/lib.rs"), ("c", "plugin.c"), ("python", "plugin.py")] {
        for kind in ["hash", "placement"] {
            let name = format!("{lang}-{kind}");
            let made = new(folder.path(), &[&name, "--lang", lang, "--kind", kind]);
            assert!(made.status.success(), "{made:?}");
            let file = |path: &str| {
                let path = folder.path().join(&name).join(path);
                std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
            };
            assert!(file(source).contains(&format!("\"{name}\"")), "{name} does not say its name");
            for path in [source, "build.sh", "test.sh", "README.md", ".gitignore"] {
                assert!(!file(path).contains("{{"), "{name}/{path} has a gap");
            }
            assert!(file("wit/types.wit").contains("package ringwright:plugin@"));
            if lang == "rust" {
                // Apart from others' where all build in one folder.
                assert!(file("build.sh").contains(&format!("release/rust_{kind}.wasm")));
            }
            if lang == "c" {
                assert!(file(&format!("bindings/{kind}_plugin.h")).contains("describe"));
            }
        }
    }
}

#[test]
fn a_name_that_cannot_be_and_a_folder_that_is_there_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let told = |name: &str| text(&new(folder.path(), &[name]).stderr);
    assert!(told("../up").contains("a name is a letter"), "{}", told("../up"));
    assert_eq!(told("twice"), "");
    assert!(told("twice").contains("is there already"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_is_no_plugin_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let junk = folder.path().join("junk.wasm");
    std::fs::write(&junk, "junk").unwrap();
    let checked = plugin("check", &junk, &[]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(text(&checked.stdout).contains("refused: it is no WebAssembly component"));
    let report = plugin("check", &junk, &["--output", "json"]);
    assert_eq!(report.status.code(), Some(1));
    assert_eq!(json(&report)["checks"][0]["passed"], false);
    assert!(text(&plugin("inspect", &junk, &[]).stderr).contains("no WebAssembly component"));
    let core = plugin("componentize", &junk, &[folder.path().join("out.wasm").to_str().unwrap()]);
    assert!(text(&core.stderr).contains("makes no component"), "{core:?}");
    assert!(!folder.path().join("out.wasm").exists());
}

#[test]
fn memory_is_granted_by_check_as_it_is_by_a_balancer() {
    let checked = plugin("check", &built("md5"), &["--memory", "64KiB"]);
    assert!(text(&checked.stdout).contains("'plugin-memory' grants it more"), "{checked:?}");
    assert!(plugin("check", &built("md5"), &["--plugin-memory", "4MiB"]).status.success());
}

#[test]
fn memory_of_a_file_has_no_name() {
    for option in ["check", "inspect"] {
        let told = plugin(option, &built("md5"), &["--memory", "md5=64MiB"]);
        assert!(text(&told.stderr).contains("must be a size"), "{told:?}");
    }
}

#[test]
fn settings_of_a_shadow_need_its_name() {
    let told = run(&["plugin", "shadow", "--set", "k=v"]);
    assert!(text(&told.stderr).contains("NAME"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_just_copied_in_is_swapped_to_and_one_uploaded_keeps_its_name() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let dir = folder.path().to_str().unwrap();
    let balancer = Balancer::configured(data.path(), &["--plugin-dir", dir]).await;
    let of_balancer = |args: &[&str]| run(&[&["plugin"], args, &["--url", &balancer.url]].concat());
    std::fs::copy(built("least-loaded"), folder.path().join("least-loaded.wasm")).unwrap();
    let swapped = of_balancer(&["swap", "least-loaded", "--apply"]);
    assert!(text(&swapped.stdout).contains("placement spread → least-loaded"), "{swapped:?}");
    let unknown = of_balancer(&["swap", "nobody"]);
    assert!(text(&unknown.stderr).contains("no plugin is called 'nobody'"), "{unknown:?}");

    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("hopping-2.wasm");
    std::fs::copy(built("jump"), &file).unwrap();
    let uploaded = of_balancer(&["upload", file.to_str().unwrap(), "--output", "json"]);
    let kept = json(&uploaded)["file"].as_str().unwrap_or_default().to_owned();
    assert!(kept.ends_with("hopping-2.wasm"), "{kept}");
}

#[test]
fn a_plugin_is_inspected_without_being_judged() {
    let told = json(&plugin("inspect", &built("jump"), &["--output", "json"]));
    assert_eq!((&told["name"], &told["kind"]), (&json!("jump"), &json!("hash")));
    assert_eq!(told["traits"]["tail_only"], true);
    assert_eq!(told["api"], "0.1.0");
    assert_eq!(told["exports"], json!(["ringwright:plugin/hash@0.1.0"]));
    assert_eq!(told["imports"], json!([]));
    assert_eq!(told["digest"].as_str().map(str::len), Some(64));
}

#[test]
fn settings_reach_commands_below_commands() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ringwright.toml"), "port = 1").unwrap();
    let mut list = ringwright(&["plugin", "list"]);
    let told = text(&list.current_dir(folder.path()).output().unwrap().stderr);
    assert!(told.contains("127.0.0.1:1 does not answer"), "{told}");
}
