//! `ringwright experiment --docker`.

use serde_json::Value;

use crate::deployment::{docker, repository};
use crate::program::{ringwright, text};

#[test]
#[ignore = "wants a Docker engine and the images: make test-docker"]
fn an_experiment_is_done_on_containers_and_leaves_none() {
    let out = tempfile::tempdir().unwrap();
    let mut command =
        ringwright(&["experiment", "1-A-3", "--docker", "--quick", "--output", "json"]);
    command.arg("--out").arg(out.path()).env("TAG", "test").current_dir(repository());
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    let figures = &report["experiments"][0]["figures"];
    assert_eq!(figures["failed"], 0, "{figures}");
    let events = figures["events"].to_string();
    assert!(events.contains("every replica is in sync"), "{events}");
    assert!(out.path().join("index.html").exists());
    let ours = "label=ringwright.deployment=ringwright-experiment";
    assert_eq!(docker(&["ps", "--all", "--quiet", "--filter", ours]), "");
    assert_eq!(docker(&["volume", "ls", "--quiet", "--filter", ours]), "");
}
